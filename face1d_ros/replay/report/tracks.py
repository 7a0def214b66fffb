"""The faces of a bag: when each was there, and the series of those that were there longest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from face1d_ros.replay.report.binned import Binned, Bins, Group, Spans
from face1d_ros.replay.report.content import Series, Values

KEPT = 8
"""Faces with series: those that were there longest."""
MOST_LIVE = 32
"""Faces at once, at most."""
LATE_S = 2.0
"""So long after a track has ended its last results may still come."""
UNSEEN_S = 10.0
"""A track of which nothing comes for so long has ended, whether somebody said so or not."""
SWEEP_S = 1.0


@dataclass
class Track:
    """One face."""

    track_id: int
    first_s: float
    last_s: float
    ended_s: float | None = None
    binned: dict[str, Binned] = field(default_factory=dict)
    """By group."""

    @property
    def length_s(self) -> float:
        """How long it was there."""
        return self.last_s - self.first_s


class TrackBook:
    """Which tracks there are, and their series; in bounded memory, however many tracks come and go."""

    def __init__(self) -> None:
        self.spans = Spans("track")
        self.count = 0
        """Tracks so far."""
        self.longest_s = 0.0
        self.without_series = 0
        """Tracks whose series were dropped."""
        self.turned_away = 0
        """How often a face was one too many."""
        self.on_close: list[Callable[[int], None]] = []
        """Told the id of each track that has ended for good."""
        self._bins = Bins()
        self._frame: dict[str, Binned] = {}
        self._live: dict[int, Track] = {}
        self._kept: list[Track] = []
        self._swept_s = 0.0

    def seen(self, track_id: int, t_s: float) -> None:
        """Something was told of a face; 0 is no track."""
        if not track_id:
            return
        track = self._live.get(track_id)
        if track is not None and track.ended_s is not None and t_s > track.ended_s:
            self._close(track)
            track = None
        if track is None:
            if len(self._live) >= MOST_LIVE:
                self.turned_away += 1
                return
            track = self._live[track_id] = Track(track_id, t_s, t_s)
            self.count += 1
        track.last_s = max(track.last_s, t_s)

    def knows(self, track_id: int) -> bool:
        """Whether the face is one of those at present; also one that is not tracked, of which nothing is kept."""
        return not track_id or track_id in self._live

    def ended(self, track_ids: Iterable[int], t_s: float) -> None:
        """These tracks are told to have ended."""
        for track_id in track_ids:
            track = self._live.get(track_id)
            if track is not None and track.ended_s is None:
                track.ended_s = t_s

    def add(self, track_id: int | None, group: Group, t_s: float, values: Sequence[float] | Values) -> None:
        """Values of a face, or of the frame where there is no id."""
        if track_id is None:
            binned = self._frame
        elif track_id in self._live:
            binned = self._live[track_id].binned
        else:
            return
        known = binned.get(group.name)
        if known is None:
            known = binned[group.name] = Binned(group, self._bins)
        if len(known.group.lines) == len(group.lines):
            known.add(t_s, values)

    def sweep(self, t_s: float) -> None:
        """Close what has ended; call it with each frame."""
        if abs(t_s - self._swept_s) < SWEEP_S:
            return
        self._swept_s = t_s
        for track in list(self._live.values()):
            if t_s - track.last_s > UNSEEN_S or (track.ended_s is not None and t_s - track.ended_s > LATE_S):
                self._close(track)

    def close(self) -> None:
        """The bag has ended."""
        for track in list(self._live.values()):
            self._close(track)

    def series(self, step_s: float) -> list[Series]:
        """Of the frame, then of each kept track in the order of their ids."""
        found = [series for binned in self._frame.values() for series in binned.series(None, step_s)]
        for track in sorted(self._kept, key=lambda track: (track.first_s, track.track_id)):
            for binned in track.binned.values():
                found += binned.series(track.track_id, step_s)
        return found

    def _close(self, track: Track) -> None:
        for close in self.on_close:
            close(track.track_id)
        del self._live[track.track_id]
        self.longest_s = max(self.longest_s, track.length_s)
        self.spans.add(track.track_id, "", track.first_s, track.last_s)
        self._kept.append(track)
        if len(self._kept) > KEPT:
            self._kept.sort(key=lambda each: -each.length_s)
            self._kept.pop()
            self.without_series += 1
