"""Stages one after the other, each with its topic: one in a node of the graph, all of them in the pipeline."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import Any

from rclpy.publisher import Publisher

from face1d_ros.convert import to_message
from face1d_ros.errors import ConversionError
from face1d_ros.geometry.camera_model import Camera
from face1d_ros.graph import NodeSpec
from face1d_ros.nodes.mailbox import Accounts
from face1d_ros.nodes.views import Views
from face1d_ros.stages.base import MeasuresInMetres, SeesFrames, given_to_stage
from face1d_ros.stages.factories import FACTORIES
from face1d_ros.types import Frame, StageInfo


def _message(output: Any) -> Any:
    """The message of what a stage made. If there is none, that is no fault of the message that came in."""
    try:
        return to_message(output)
    except ConversionError as error:
        raise RuntimeError(f"what stage '{output.info.stage}' made fits no message: {error}") from error


NO_INFO = StageInfo()


@dataclass(frozen=True)
class Work:
    """What a stage did last."""

    info: StageInfo = NO_INFO
    faces: int = 0
    stamp_ns: int = 0


class Link:
    """One stage, its output topics, and what it did last."""

    def __init__(self, spec: NodeSpec, config: Any, publisher: Publisher, views: Views) -> None:
        self.spec = spec
        self.publisher = publisher
        self.views = views
        self.last = Work()
        self.stage = FACTORIES[spec.name](config)
        self._config = config
        self._input = spec.subscribes[0].name
        self._beside = spec.beside.name if spec.beside else ""
        self._output = spec.publishes[0].name

    @property
    def wanted(self) -> bool:
        """Whether somebody listens."""
        return bool(self.publisher.get_subscription_count()) or self.views.wanted

    def process(self, values: dict[str, Any], accounts: Accounts) -> None:
        """Take the input from `values` (by topic), publish the output and leave it there for the next stages.

        Where a stage looks ahead, its first frames have no output, and what follows it no input.
        """
        given = given_to_stage(values, self._input, self._beside)
        if given is None:
            return
        began_s = time.perf_counter()
        output = self.stage.process(given)
        if output is None:
            return
        duration_s = time.perf_counter() - began_s
        info = dataclasses.replace(
            output.info,
            duration_s=duration_s,
            received=accounts.received,
            used=accounts.used,
            dropped=accounts.dropped,
        )
        output = dataclasses.replace(output, info=info)
        self.publisher.publish(_message(output))
        self.views.publish(values[self._input], output)
        values[self._output] = output
        self.last = Work(info, len(output.faces), output.header.stamp_ns)

    @property
    def wants_frames(self) -> bool:
        """Whether the stage would look at an image now."""
        return isinstance(self.stage, SeesFrames) and self.stage.wants_frames

    def see(self, frame: Frame) -> None:
        """Show the stage an image, if it looks at any; called by the thread that processes."""
        if isinstance(self.stage, SeesFrames):
            self.stage.see(frame)

    def prepare(self, config: Any) -> None:
        """Look at settings that may be taken over soon; raises ConfigError. Called by any thread."""
        self.stage.prepare(config)

    def configure(self, config: Any) -> None:
        """Take over settings that may change; called by the thread that processes."""
        if config != self._config:
            self._config = config
            self.stage.configure(config)

    def set_camera(self, camera: Camera | None) -> None:
        """Tell the stage, if it wants to know."""
        if isinstance(self.stage, MeasuresInMetres):
            self.stage.set_camera(camera)

    def reset(self) -> None:
        """Forget the frames so far."""
        self.last = Work()
        self.stage.reset()

    def close(self) -> None:
        """Free what the stage holds."""
        self.stage.close()

    def values(self) -> dict[str, object]:
        """For diagnostics."""
        info = self.last.info
        return {
            **self.stage.diagnostics(),
            "model": info.model,
            "engine": info.engine,
            "duration_ms": info.duration_s * 1e3,
            "faces": self.last.faces,
        }

    @property
    def notice(self) -> str:
        """What the user should know of the stage; '' for nothing."""
        return str(self.stage.diagnostics().get("notice", ""))
