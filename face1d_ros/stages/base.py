"""What every stage is: an object called once per frame with what the stage before it produced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from face1d_ros.types import FaceReading

if TYPE_CHECKING:
    from face1d_ros.geometry.camera_model import Camera
    from face1d_ros.types import Frame


class Stage(Protocol):
    """Called by one thread at a time. All time comes from the stamps of what it is given."""

    name: str
    """As `StageInfo.stage` says it."""

    def process(self, value: Any) -> Any:
        """The result for one frame, with the header it came with. Duration and counters are the caller's to fill.

        A stage that looks ahead gives the result of an earlier frame, with that one's header, and None until then.
        """

    def reset(self) -> None:
        """Forget the frames so far. Ids that were given are not given again."""

    def prepare(self, config: Any) -> None:
        """Look at settings that may be taken over soon; raises ConfigError for those that cannot.

        Called by any thread while `process` goes on: what takes time is begun here.
        """

    def configure(self, config: Any) -> None:
        """Take over the settings that may change while running."""

    def diagnostics(self) -> Mapping[str, object]:
        """What there is to say beside `StageInfo`; `notice` is also logged. Called by any thread."""

    def close(self) -> None:
        """Free what the stage holds; a second call does nothing."""


def given_to_stage(values: Mapping[str, Any], topic: str, beside: str) -> Any | None:
    """What a stage takes, of the results by topic; None where there is none for this frame.

    `beside`: the landmarks that it reads together with the mesh on `topic`; '' for none.
    """
    if topic not in values or (beside and beside not in values):
        return None
    return FaceReading.of(values[beside], values[topic]) if beside else values[topic]


@runtime_checkable
class MeasuresInMetres(Protocol):
    """A stage that wants to know the camera."""

    def set_camera(self, camera: Camera | None) -> None:
        """The camera of the frames to come; None: it is not calibrated. Called by any thread."""


@runtime_checkable
class SeesFrames(Protocol):
    """A stage that may have to see the image whose landmarks it is given."""

    @property
    def wants_frames(self) -> bool:
        """Whether it would look at one now. Called by any thread."""

    def see(self, frame: Frame) -> None:
        """An image, before the landmarks of the same stamp. Called by the thread that processes.

        Its memory is the caller's, who may use it for another frame later: who keeps it copies it.
        """


@runtime_checkable
class Resumable(Protocol):
    """A stage that can be put back to where it was, in another process too."""

    def state(self) -> dict[str, Any] | None:
        """What it knows after the last frame, as plain JSON values; None where that cannot be told."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from there: the next frame gives the same values as it would have given then."""
