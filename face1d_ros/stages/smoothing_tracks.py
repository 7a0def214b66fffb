"""The faces that are being smoothed: which of them take part in a frame, and which begin anew.

A memory is known by a key of its own, not by the track's id: who begins anew gets another key, and what was remembered
under the old one is forgotten.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from face1d_ros.engines.manifest import MAX_FACES
from face1d_ros.stages.smoothing_input import bridged, confidences
from face1d_ros.types import FaceLandmarks, FloatArray

NS = 1_000_000_000
SLOW_CAMERA_S = 0.25
"""Between two frames of a face, however short its bridge: a gap up to this is no loss."""


@dataclass(eq=False)
class Track:
    """What is remembered of one face, beside the smoother's own memory."""

    key: int
    face: FaceLandmarks
    """As measured last."""
    seen_ns: int
    stepped_ns: int | None = None
    """The last step; None: it begins."""
    given: FloatArray | None = None
    """(N, 3) the last answer."""


@dataclass(frozen=True, eq=False)
class Row:
    """One face in one step of a smoother."""

    key: int
    track: Track
    face: FaceLandmarks
    """As measured, or bridged."""
    points: FloatArray | None
    """(N, 3) measured; None: the face was not seen."""
    confidence: FloatArray | float
    """(N,), or one for all landmarks; 0 of a face that was not seen."""
    dt_s: float
    """Since the last step of this face; 0 in its first."""


class Tracks:
    """All faces, by the ids of their tracks."""

    def __init__(self) -> None:
        self._tracks: dict[int, Track] = {}
        self._keys = itertools.count(1)

    def __len__(self) -> int:
        return len(self._tracks)

    def clear(self) -> None:
        """Forget all."""
        self._tracks.clear()

    def begin_anew(self, row: Row) -> None:
        """Forget what came of this face, unless that has been done already."""
        if row.track.key == row.key:
            row.track.key = next(self._keys)
            row.track.stepped_ns = row.track.given = None

    def end(self, track_ids: Iterable[int]) -> None:
        """These tracks have ended."""
        for track_id in track_ids:
            self._tracks.pop(track_id, None)

    def rows(self, stamp_ns: int, faces: Sequence[FaceLandmarks], bridge_s: float) -> list[Row]:
        """The faces that take part, at most as many as an engine takes; the longest known one first.

        `faces` are those measured, each with an id of its own. Where they are too many, known ones go before new
        ones and measured before missing ones; the new ones that are left out keep no memory.
        """
        known_first = sorted(faces, key=lambda face: face.track_id not in self._tracks)[:MAX_FACES]
        measured = {face.track_id: face for face in known_first}
        missing = [track_id for track_id in self._tracks if track_id not in measured]
        missing.sort(key=lambda track_id: -self._tracks[track_id].seen_ns)
        for place, track_id in enumerate(missing, len(measured)):
            if place >= MAX_FACES or not _goes_on(self._tracks[track_id], stamp_ns, bridge_s):
                del self._tracks[track_id]
        longest_ns = round(max(bridge_s, SLOW_CAMERA_S) * NS)
        rows = [self._measured(stamp_ns, face, longest_ns) for face in measured.values()]
        rows += [self._missing(stamp_ns, track, bridge_s) for id_, track in self._tracks.items() if id_ not in measured]
        return sorted(rows, key=lambda row: row.key) if len(rows) > 1 else rows

    def _measured(self, stamp_ns: int, face: FaceLandmarks, longest_ns: int) -> Row:
        track = self._tracks.get(face.track_id)
        if track is None or (track.stepped_ns is not None and not 0 < stamp_ns - track.stepped_ns <= longest_ns):
            track = self._tracks[face.track_id] = Track(next(self._keys), face, stamp_ns)
        track.face, track.seen_ns = face, stamp_ns
        return Row(track.key, track, face, face.points, confidences(face), _step_s(track, stamp_ns))

    def _missing(self, stamp_ns: int, track: Track, bridge_s: float) -> Row:
        face = bridged(track.face, (stamp_ns - track.seen_ns) / NS, bridge_s)
        return Row(track.key, track, face, None, 0.0, _step_s(track, stamp_ns))


def _goes_on(track: Track, stamp_ns: int, bridge_s: float) -> bool:
    """Whether a face that is not seen can be predicted: not for too long, and not from nothing."""
    return track.stepped_ns is not None and 0 < stamp_ns - track.seen_ns <= round(bridge_s * NS)


def _step_s(track: Track, stamp_ns: int) -> float:
    """Since the last step, which this one now is."""
    before_ns, track.stepped_ns = track.stepped_ns, stamp_ns
    return 0.0 if before_ns is None else (stamp_ns - before_ns) / NS
