"""Motion encoder bundles as the evaluation runs them. Letters: C clips, E numbers of a vector."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

import numpy as np

from face1d_ros.engines.bundle import Bundle
from face1d_ros.engines.manifest import FACES
from face1d_ros.engines.onnxruntime_engine import OnnxRuntimeEngine
from face1d_ros.errors import InvalidValueError
from face1d_ros.evaluate.identity_clips import Clip, Clips
from face1d_ros.geometry.motion_clip import FRAMES, POINTS, RATE_HZ
from face1d_ros.stages.identity_model import TASK
from face1d_ros.types import FloatArray

AT_ONCE = 8
"""Clips in one run."""
INPUTS = {"points": (FACES, FRAMES, 3 * POINTS), "mask": (FACES, FRAMES)}
OUTPUT = "embedding"
TIMED_S = 4.0
"""Length of the clip that is timed."""
PACE_HZ = 10.0
WARM_UP = 5
Advance = Callable[[int], None]


class Encoder(AbstractContextManager["Encoder"]):
    """One bundle, on the CPU."""

    def __init__(self, bundle: Bundle) -> None:
        """Raises InvalidValueError for a bundle that does not read landmarks of clips."""
        manifest = bundle.manifest
        given = {spec.name: tuple(spec.shape) for spec in manifest.inputs}
        if manifest.task != TASK or given != INPUTS or [spec.name for spec in manifest.outputs] != [OUTPUT]:
            came = f"{manifest.name}, for {manifest.task}, that reads {', '.join(given)}"
            raise InvalidValueError(
                "model", came, f"an identity model that reads {', '.join(INPUTS)} of {FRAMES} frames"
            )
        self.bundle = bundle
        self._engine = OnnxRuntimeEngine(bundle)
        self._session = self._engine.session(AT_ONCE)

    @property
    def name(self) -> str:
        """The bundle's."""
        return self.bundle.manifest.name

    @property
    def settings(self) -> dict[str, Any]:
        """What the manifest says beyond its fields."""
        return dict(self.bundle.manifest.settings)

    def vectors(self, clips: Clips, *, is_spotted: bool = False, advance: Advance = lambda done: None) -> FloatArray:
        """(C, E) unit vectors, of whole clips or of what was spotted in them."""
        session, found = self._session, []
        for begin in range(0, len(clips), AT_ONCE):
            some = clips.all[begin : begin + AT_ONCE]
            for name in INPUTS:
                session.inputs[name][:] = 0.0
            for row, clip in enumerate(some):
                session.inputs["points"][row], session.inputs["mask"][row] = clip.network_input(is_spotted=is_spotted)
            session.run()
            found.append(session.outputs[OUTPUT][: len(some)].copy())
            advance(len(some))
        return np.concatenate(found) if found else np.zeros((0, 1), np.float32)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Free the engine."""
        self._engine.close()


class Timed:
    """A single clip of 4 s through an encoder: offsets from rest, and the network."""

    def __init__(self, encoder: Encoder, clip: Clip) -> None:
        self._session = OnnxRuntimeEngine(encoder.bundle).session(1)
        self._clip = lasting(clip, TIMED_S)

    def once_s(self) -> float:
        """Seconds that it took."""
        began_s = time.perf_counter()
        points, mask = self._clip.network_input(is_spotted=False)
        self._session.inputs["points"][0], self._session.inputs["mask"][0] = points, mask
        self._session.run()
        return time.perf_counter() - began_s


def lasting(clip: Clip, seconds: float) -> Clip:
    """The clip, there and back until it lasts so long, or cut."""
    count = round(seconds * RATE_HZ)
    grid = clip.grid_cm
    while len(grid) < count:
        grid = np.concatenate([grid, grid[::-1]])
    return Clip(**{**vars(clip), "grid_cm": grid[:count], "moving": None})


def times_s(encoders: list[Encoder], clip: Clip, rounds: int) -> list[tuple[list[float], list[float]]]:
    """Of each encoder: times at a pace of 10 Hz, encoders in turn with sleeps between, and in a tight loop."""
    timed = [Timed(encoder, clip) for encoder in encoders]
    paced: list[list[float]] = [[] for _ in timed]
    pause_s = 1.0 / (PACE_HZ * max(len(timed), 1))
    began_s = time.perf_counter()
    for turn in range((rounds + WARM_UP) * len(timed)):
        time.sleep(max(0.0, began_s + turn * pause_s - time.perf_counter()))
        paced[turn % len(timed)].append(timed[turn % len(timed)].once_s())
    return [(slow[WARM_UP:], [one.once_s() for _ in range(rounds)]) for slow, one in zip(paced, timed, strict=True)]
