"""What the identity stage was asked to judge, and what it has decided of each face."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from face1d_ros.stages.appearance_views import Views
from face1d_ros.stages.identity_motion import FaceWatch
from face1d_ros.types import Decision, FaceIdentity

NS = 1_000_000_000
LONGEST_S = 10.0
"""For which a motion that had begun in time is waited for."""


@dataclass(eq=False)
class Request:
    """A face that is to be judged once."""

    track_id: int
    claim: str
    """The handle that is verified; empty: one is searched for."""
    until_ns: int
    """Stamp up to which a motion must have begun."""
    watch: FaceWatch = field(default_factory=FaceWatch)
    views: Views = field(default_factory=Views)

    def is_late(self, stamp_ns: int) -> bool:
        """Whether no motion will be judged any more."""
        patience_ns = round(LONGEST_S * NS) if self.watch.is_moving else 0
        return stamp_ns >= self.until_ns + patience_ns

    def told(self, decision: Decision = Decision.UNKNOWN) -> FaceIdentity:
        """A decision without a judgement; UNKNOWN while it is waited for."""
        return FaceIdentity(self.track_id, decision, self.claim, bool(self.claim))


class Decisions:
    """What was decided of each face, for as long as it is told."""

    def __init__(self) -> None:
        self._held: dict[int, tuple[FaceIdentity, int]] = {}

    def take(self, decided: FaceIdentity, until_ns: int) -> None:
        """Tell it in place of what was decided of the face before, up to a stamp."""
        self._held[decided.track_id] = decided, until_ns

    def of(self, track_id: int) -> FaceIdentity:
        """What is told of a face; UNKNOWN where that is nothing."""
        held = self._held.get(track_id)
        return FaceIdentity(track_id) if held is None else held[0]

    def drop(self, track_ids: Collection[int]) -> None:
        """Whose tracks have ended, or who is judged anew."""
        for track_id in track_ids:
            self._held.pop(track_id, None)

    def drop_subject(self, handle: str) -> None:
        """Who is not enrolled any more."""
        self._held = {key: one for key, one in self._held.items() if one[0].subject != handle}

    def drop_old(self, stamp_ns: int) -> None:
        """What has been told for long enough."""
        self._held = {key: one for key, one in self._held.items() if stamp_ns < one[1]}

    def clear(self) -> None:
        """All of it."""
        self._held = {}
