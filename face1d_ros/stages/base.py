"""What every stage is: an object called once per frame with what the stage before it produced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from face1d_ros.geometry.camera_model import Camera


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


@runtime_checkable
class MeasuresInMetres(Protocol):
    """A stage that wants to know the camera."""

    def set_camera(self, camera: Camera | None) -> None:
        """The camera of the frames to come; None: it is not calibrated. Called by any thread."""
