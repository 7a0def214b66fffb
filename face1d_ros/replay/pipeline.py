"""The stages of the graph one after the other in this process, with arrays handed over directly."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

from face1d_ros.errors import InvalidValueError
from face1d_ros.graph import STAGES, NodeSpec, check_chain
from face1d_ros.stages.base import MeasuresInMetres, SeesFrames, given_to_stage
from face1d_ros.stages.factories import FACTORIES

if TYPE_CHECKING:
    from face1d_ros.geometry.camera_model import Camera
    from face1d_ros.stages.base import Stage
    from face1d_ros.types import Frame


@dataclass(frozen=True)
class Step:
    """A stage, and the node of the graph whose work it does."""

    spec: NodeSpec
    stage: Stage

    @property
    def input(self) -> str:
        """The topic it takes."""
        return self.spec.subscribes[0].name

    @property
    def beside(self) -> str:
        """The topic that it reads together with its input; '' for none."""
        return self.spec.beside.name if self.spec.beside else ""

    @property
    def output(self) -> str:
        """The topic of its result."""
        return self.spec.publishes[0].name


class Elsewhere:
    """In place of a first stage that works in another process."""

    name = "elsewhere"

    def process(self, value: Any) -> Any:
        """Never called: `Pipeline.go_on` is given what the other process made."""
        raise NotImplementedError

    def reset(self) -> None:
        """There is nothing to forget here."""

    def prepare(self, config: Any) -> None:
        """The other process has its own settings."""

    def configure(self, config: Any) -> None:
        """The other process keeps its settings."""

    def diagnostics(self) -> Mapping[str, object]:
        """The other process tells what there is to say."""
        return {}

    def close(self) -> None:
        """There is nothing to free here."""


@dataclass(frozen=True)
class Begun:
    """A frame that the first stage has worked on, or what it once gave for one."""

    frame: Frame | None
    """None: it is not there any more, and only stages that need no image follow."""
    result: Any
    """As `Stage.process` gives it."""
    duration_s: float = math.nan


def make_steps(configs: Mapping[str, Any], specs: Sequence[NodeSpec] = STAGES) -> list[Step]:
    """The stages of these nodes; `configs` maps a node's name to its configuration, others get the default."""
    steps: list[Step] = []
    try:
        for spec in specs:
            config = configs.get(spec.name) or spec.config()
            steps.append(Step(spec.configured(config), FACTORIES[spec.name](config)))
    except BaseException:
        for step in steps:
            step.stage.close()
        raise
    return steps


class Pipeline:
    """Runs every stage on each frame. The same frames give the same values, at any speed.

    `timer` gives seconds and serves `StageInfo.duration_s` alone; without one durations are unknown.
    """

    def __init__(self, steps: Sequence[Step], timer: Callable[[], float] | None = None) -> None:
        if not steps:
            raise InvalidValueError("stages", "none", "at least one")
        self.steps = tuple(steps)
        self.frames = 0
        """Processed so far."""
        self._timer = timer
        self._seeing = [step.stage for step in self.steps[1:] if isinstance(step.stage, SeesFrames)]
        check_chain([step.spec for step in self.steps])

    def process(self, frame: Frame, *, dropped: int = 0) -> dict[str, Any]:
        """The result of every stage for this frame, by topic.

        `dropped` is how many frames were left out since the beginning, which the results tell. A stage that looks
        ahead gives an earlier frame's result, with that one's header; none for its first frames.
        """
        return self.go_on(self.begin(frame), dropped=dropped)

    def begin(self, frame: Frame) -> Begun:
        """The first stage alone, which may work in another thread than `go_on`, ahead of it."""
        began_s = self._now_s()
        result = self.steps[0].stage.process(frame)
        return Begun(frame, result, self._now_s() - began_s)

    def go_on(self, begun: Begun, *, dropped: int = 0) -> dict[str, Any]:
        """All other stages, in the order in which the frames were begun; as `process`."""
        self.frames += 1
        counts = {"received": self.frames + dropped, "used": self.frames, "dropped": dropped}
        values: dict[str, Any] = {}
        if begun.frame is not None:
            values[self.steps[0].input] = begun.frame
            for stage in self._seeing:
                stage.see(begun.frame)
        result, duration_s = begun.result, begun.duration_s
        for index, step in enumerate(self.steps):
            if index:
                given = given_to_stage(values, step.input, step.beside)
                if given is None:
                    continue
                began_s = self._now_s()
                result = step.stage.process(given)
                duration_s = self._now_s() - began_s
            if result is not None:
                info = dataclasses.replace(result.info, duration_s=duration_s, **counts)
                values[step.output] = dataclasses.replace(result, info=info)
        return {step.output: values[step.output] for step in self.steps if step.output in values}

    def set_camera(self, camera: Camera | None) -> None:
        """Tell the stages that measure in metres; None: it is not calibrated."""
        for step in self.steps:
            if isinstance(step.stage, MeasuresInMetres):
                step.stage.set_camera(camera)

    def reset(self) -> None:
        """Forget the frames so far."""
        self.frames = 0
        for step in self.steps:
            step.stage.reset()

    def close(self) -> None:
        """Free what the stages hold."""
        for step in self.steps:
            step.stage.close()

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _now_s(self) -> float:
        return self._timer() if self._timer is not None else math.nan
