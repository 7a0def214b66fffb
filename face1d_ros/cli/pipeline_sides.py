"""What `face1d bench pipeline` compares: the stages in one process, each with its time, and bare MediaPipe."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from face1d_ros.detect.bare import BareFaceMesh
from face1d_ros.graph import NodeSpec
from face1d_ros.replay.overlap import overlapped
from face1d_ros.replay.pipeline import Pipeline, Step, make_steps
from face1d_ros.stages.base import SeesFrames, Stage
from face1d_ros.types import Frame, Header

Image: TypeAlias = NDArray[np.uint8]
Times: TypeAlias = NDArray[np.float64]
"""(T, P): seconds for each frame and part."""
Clock: TypeAlias = Callable[[], float]
WALL: Clock = time.perf_counter
PROCESSOR: Clock = time.process_time
"""In all threads. Asked apart from `WALL`: reading it takes microseconds while other threads run."""
BARE, BETWEEN, WHOLE = "bare MediaPipe", "between the stages", "all stages"
OVERLAPPED = "all stages, overlapped"
"""The first stage in a thread of its own, ahead of the others, as in `face1d replay`."""


class Side(Protocol):
    """One of those that are compared."""

    parts: tuple[str, ...]
    """What its times are of."""
    found: list[int]
    """Faces in each frame so far."""

    def step(self, rate_hz: float, clock: Clock = WALL) -> None:
        """The next frame, whose stamp is so much later than that of the last; timed by this clock."""

    def take(self) -> Times:
        """The times of the frames since the last call."""

    def close(self) -> None:
        """Free what it holds."""


class FrameLoop:
    """Images on and on, forwards and backwards in turn."""

    def __init__(self, images: Sequence[Image]) -> None:
        self._way = [*images, *images[-2:0:-1]]
        self._index = 0
        self._stamp_ns = 0

    def next(self, rate_hz: float) -> Frame:
        """The next one, stamped at this rate."""
        image = self._way[self._index % len(self._way)]
        self._index += 1
        self._stamp_ns += round(1e9 / rate_hz)
        return Frame(Header(self._stamp_ns, "bench"), image)


class BareSide:
    """MediaPipe's face mesh, and nothing done with what it finds."""

    parts: tuple[str, ...] = (BARE,)

    def __init__(self, images: Sequence[Image], max_faces: int) -> None:
        self.found: list[int] = []
        self._mesh = BareFaceMesh(max_faces)
        self._frames = FrameLoop(images)
        self._times: list[float] = []

    def step(self, rate_hz: float, clock: Clock = WALL) -> None:
        """The next frame."""
        frame = self._frames.next(rate_hz)
        began_s = clock()
        faces = self._mesh.process(frame.image)
        self._times.append(clock() - began_s)
        self.found.append(faces)

    def take(self) -> Times:
        """(T, 1)."""
        times, self._times = self._times, []
        return np.array(times)[:, None]

    def close(self) -> None:
        """Free the models."""
        self._mesh.close()


class PipelineSide:
    """The stages in one process; parts are each of them, what is between them, and the whole."""

    def __init__(self, images: Sequence[Image], specs: Sequence[NodeSpec], configs: Mapping[str, Any]) -> None:
        """`configs` as `make_steps` takes them."""
        steps = make_steps(configs, specs)
        self._stages = [timed(step.stage) for step in steps]
        self._steps = [Step(step.spec, stage) for step, stage in zip(steps, self._stages, strict=True)]
        self._pipeline = Pipeline(self._steps, WALL)
        self.parts = (*(spec.stage for spec in specs), BETWEEN, WHOLE)
        self.found: list[int] = []
        """The fewest that any stage has a result for."""
        self.models: dict[str, str] = {}
        """What each stage ran last, and on what."""
        self._frames = FrameLoop(images)
        self._times: list[list[float]] = []

    def step(self, rate_hz: float, clock: Clock = WALL) -> None:
        """The next frame."""
        frame = self._frames.next(rate_hz)
        for stage in self._stages:
            stage.clock, stage.last_s = clock, 0.0
        began_s = clock()
        values = self._pipeline.process(frame)
        whole_s = clock() - began_s
        spent_s = [stage.last_s for stage in self._stages]
        self._times.append([*spent_s, whole_s - sum(spent_s), whole_s])
        self._note(values)

    def overlapped(
        self, frames: int, settling: int, rate_hz: float, advance: Callable[[], None]
    ) -> tuple[float, float]:
        """Seconds by the clock and by the processor's, from one frame's results to those so many frames later.

        Before the first of them so many have settled, and after the last the frames go on: the threads neither begin
        nor end in what is measured.
        """
        began_s = began_cpu_s = 0.0
        with closing(overlapped(self._endless(rate_hz), self._pipeline)) as results:
            for index, (_, values) in enumerate(results):
                self._note(values)
                advance()
                if index == settling - 1:
                    began_s, began_cpu_s = WALL(), PROCESSOR()
                elif index == settling + frames - 1:
                    break
            return WALL() - began_s, PROCESSOR() - began_cpu_s

    def take(self) -> Times:
        """(T, stages and 2)."""
        times, self._times = self._times, []
        return np.array(times)

    def notices(self) -> dict[str, str]:
        """What the user should know, by stage."""
        said = {step.spec.stage: str(step.stage.diagnostics().get("notice", "")) for step in self._steps}
        return {stage: notice for stage, notice in said.items() if notice}

    def close(self) -> None:
        """Free all stages."""
        self._pipeline.close()

    def _endless(self, rate_hz: float) -> Iterator[Frame]:
        while True:
            yield self._frames.next(rate_hz)

    def _note(self, values: Mapping[str, Any]) -> None:
        given = {step.spec.stage: values.get(step.output) for step in self._steps}
        self.found.append(min(len(result.faces) if result is not None else 0 for result in given.values()))
        for stage, result in given.items():
            if result is not None:
                self.models[stage] = f"{result.info.model}, {result.info.engine}"


class TimedStage:
    """A stage that remembers how long it took."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.name = stage.name
        self.clock = WALL
        self.last_s = 0.0

    def process(self, value: Any) -> Any:
        """As the stage does."""
        began_s = self.clock()
        result = self._stage.process(value)
        self.last_s = self.clock() - began_s
        return result

    def reset(self) -> None:
        """As the stage does."""
        self._stage.reset()

    def prepare(self, config: Any) -> None:
        """As the stage does."""
        self._stage.prepare(config)

    def configure(self, config: Any) -> None:
        """As the stage does."""
        self._stage.configure(config)

    def diagnostics(self) -> Mapping[str, object]:
        """As the stage does."""
        return self._stage.diagnostics()

    def close(self) -> None:
        """As the stage does."""
        self._stage.close()


class TimedSeer(TimedStage):
    """One that looks at the images too, which is part of its time."""

    def __init__(self, stage: Stage, seer: SeesFrames) -> None:
        """Both are the same stage."""
        super().__init__(stage)
        self._seer = seer
        self._saw_s = 0.0

    @property
    def wants_frames(self) -> bool:
        """As the stage does."""
        return self._seer.wants_frames

    def see(self, frame: Frame) -> None:
        """As the stage does."""
        began_s = self.clock()
        self._seer.see(frame)
        self._saw_s = self.clock() - began_s

    def process(self, value: Any) -> Any:
        """As the stage does."""
        result = super().process(value)
        self.last_s += self._saw_s
        return result


def timed(stage: Stage) -> TimedStage:
    """The stage with its time."""
    return TimedSeer(stage, stage) if isinstance(stage, SeesFrames) else TimedStage(stage)
