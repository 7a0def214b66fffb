"""What a stage remembers of each face, by the ids of their tracks."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar

from face1d_ros.types import Topology

NS = 1_000_000_000
FORGET_AFTER_S = 2.0
"""Who was not seen for longer, while the track has not ended, begins anew."""
REPEATED, BACK = "stamp repeated", "stamp went back"
"""What a stamp can be that is not later than the one before it."""
TWICE = "id twice in a frame"


class Remembered(Protocol):
    """One face."""

    key: int
    """Its memory in the network; another one after it began anew."""
    topology: Topology
    stepped_ns: int | None


Track = TypeVar("Track", bound=Remembered)


class FaceMemory(Generic[Track]):
    """All faces. `make` makes what is remembered of a new one, from its key and topology."""

    def __init__(self, make: Callable[[int, Topology], Track]) -> None:
        self._make = make
        self._tracks: dict[int, Track] = {}
        self._keys = itertools.count(1)
        self._stamp_ns: int | None = None

    def __len__(self) -> int:
        return len(self._tracks)

    def of(self, track_id: int, topology: Topology, stamp_ns: int) -> tuple[Track, float]:
        """The face of this id, and the seconds since its last frame; 0 in its first. Without an id nothing is kept."""
        track = self._tracks.get(track_id)
        if track is not None and (track.topology is not topology or self._is_stale(track, stamp_ns)):
            track = None
        if track is None:
            track = self._make(next(self._keys), topology)
            if track_id:
                self._tracks[track_id] = track
        dt_s = 0.0 if track.stepped_ns is None else (stamp_ns - track.stepped_ns) / NS
        track.stepped_ns = stamp_ns
        return track, dt_s

    def begin_anew(self, track: Track) -> None:
        """The network forgets this face."""
        track.key = next(self._keys)

    def begin_frame(self, stamp_ns: int, ended_track_ids: Iterable[int]) -> str:
        """Forget whose track has ended and whom nobody has seen for long; all where time went back.

        What is wrong with the stamp, or ''. A repeated one is no step in time: no face must be stepped with it.
        """
        before_ns, self._stamp_ns = self._stamp_ns, stamp_ns
        for track_id in ended_track_ids:
            self._tracks.pop(track_id, None)
        if before_ns is not None and stamp_ns < before_ns:
            self._tracks.clear()
            return BACK
        for track_id in [key for key, track in self._tracks.items() if self._is_stale(track, stamp_ns)]:
            del self._tracks[track_id]
        return REPEATED if stamp_ns == before_ns else ""

    def clear(self) -> None:
        """Forget all faces, and the last stamp."""
        self._tracks.clear()
        self._stamp_ns = None

    @staticmethod
    def _is_stale(track: Track, stamp_ns: int) -> bool:
        return track.stepped_ns is not None and stamp_ns - track.stepped_ns > FORGET_AFTER_S * NS
