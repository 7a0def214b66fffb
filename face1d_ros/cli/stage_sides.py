"""Each stage alone, on inputs that were recorded from the whole pipeline before."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from face1d_ros.cli.pipeline_sides import WALL, Clock, FrameLoop, Image, Times
from face1d_ros.graph import NodeSpec
from face1d_ros.replay.pipeline import Pipeline, make_steps
from face1d_ros.stages.base import given_to_stage
from face1d_ros.stages.factories import FACTORIES
from face1d_ros.types import FaceReading, Header

WARM_UP_FRAMES = 15
"""Of the recording; what the stages need to settle is not in it."""


def recorded_inputs(
    images: Sequence[Image], specs: Sequence[NodeSpec], configs: Mapping[str, Any], rate_hz: float
) -> dict[str, list[Any]]:
    """What each stage takes for each image, by its name."""
    frames = FrameLoop(images)
    inputs: dict[str, list[Any]] = {spec.stage: [] for spec in specs}
    with Pipeline(make_steps(configs, specs)) as pipeline:
        for index in range(WARM_UP_FRAMES + len(images)):
            frame = frames.next(rate_hz)
            values = {pipeline.steps[0].input: frame, **pipeline.process(frame)}
            for step in pipeline.steps:
                given = given_to_stage(values, step.input, step.beside)
                if index >= WARM_UP_FRAMES and given is not None:
                    inputs[step.spec.stage].append(given)
    return inputs


class StageSide:
    """One stage, whose inputs come on and on, forwards and backwards in turn, with stamps that rise."""

    def __init__(self, spec: NodeSpec, config: Any, inputs: Sequence[Any]) -> None:
        self.parts: tuple[str, ...] = (spec.stage,)
        self.found: list[int] = []
        """Faces in each result so far."""
        self.model = ""
        """What it ran last, and on what."""
        self._stage = FACTORIES[spec.name](config)
        self._way = [*inputs, *inputs[-2:0:-1]]
        self._index = 0
        self._stamp_ns = 0
        self._times: list[float] = []

    def step(self, rate_hz: float, clock: Clock = WALL) -> None:
        """The next frame."""
        value = self._way[self._index % len(self._way)]
        self._index += 1
        self._stamp_ns += round(1e9 / rate_hz)
        value = with_header(value, Header(self._stamp_ns, "bench"))
        began_s = clock()
        result = self._stage.process(value)
        self._times.append(clock() - began_s)
        self.found.append(len(result.faces) if result is not None else 0)
        if result is not None:
            self.model = f"{result.info.model}, {result.info.engine}"

    def take(self) -> Times:
        """(T, 1)."""
        times, self._times = self._times, []
        return np.array(times)[:, None]

    def notice(self) -> str:
        """What the user should know; '' for nothing."""
        return str(self._stage.diagnostics().get("notice", ""))

    def close(self) -> None:
        """Free the stage."""
        self._stage.close()


def with_header(value: Any, header: Header) -> Any:
    """The same at another time."""
    if isinstance(value, FaceReading):
        return FaceReading.of(with_header(value.landmarks, header), with_header(value.mesh, header))
    return dataclasses.replace(value, header=header)


def images_sha256(images: Sequence[Image]) -> str:
    """Of all pixels, in their order."""
    digest = hashlib.sha256()
    for image in images:
        digest.update(image.tobytes())
    return digest.hexdigest()
