"""What every stage is: an object called once per frame with what the stage before it produced."""

from __future__ import annotations

from typing import Any, Protocol


class Stage(Protocol):
    """Called by one thread at a time. All time comes from the stamps of what it is given."""

    name: str
    """As `StageInfo.stage` says it."""

    def process(self, value: Any) -> Any:
        """The result for one frame, with the header it came with. Duration and counters are the caller's to fill."""

    def reset(self) -> None:
        """Forget the frames so far. Ids that were given are not given again."""

    def configure(self, config: Any) -> None:
        """Take over the settings that may change while running."""

    def close(self) -> None:
        """Free what the stage holds; a second call does nothing."""
