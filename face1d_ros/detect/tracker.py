"""Ids for faces: the same one while a face is seen and through short losses, never one used twice.

What a frame does, in this order:

1. Detections with a landmark that is not finite, or without extent, are dropped.
2. Tracks unseen for too long end. All end when the stamp lies before the last one, or more than `lost_after_s` (at
   least `MAX_GAP_S`) after it: time has jumped, and nothing says that these are the same people.
3. Each track's face is predicted with constant velocity, and the assignment of detections to tracks with the smallest
   sum of distances is taken; no pair is further apart than `MATCH_DISTANCE`.
4. Two detections on one face: the one that continues a track better stays, the other is dropped.
5. What is left becomes new tracks, numbered from left to right.

A face is given out at its first frame. A second frame to confirm it would hide a false detection that lasts one frame,
at the price of one frame of every true face's beginning; the detector's own confidence is there for the former.

The order of detections changes nothing: they are sorted by position first.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from face1d_ros.detect.assignment import Shape, assign, distances, furthest, nearest, shape_of
from face1d_ros.detect.track import NS, Track, told, track_of
from face1d_ros.errors import InvalidValueError
from face1d_ros.types import FaceLandmarks, TrackState

MATCH_DISTANCE = 1.0
"""Face sizes between prediction and detection at most: what a fast head turn of the robot makes in one frame."""
DUPLICATE_DISTANCE = 0.15
"""Detections closer than this (face sizes) are one face: two heads cannot be seen there side by side."""
LOST_PENALTY_PER_S = 0.1
"""Added to the distance of a track for each second unseen: where all else is equal, the seen one continues."""
MAX_GAP_S = 1.0
"""A face seen in the last frame is still looked for after a gap this long, however short `lost_after_s` is."""
SameFace: TypeAlias = list[list[bool]]
"""[detection][detection]."""


@dataclass(frozen=True, eq=False)
class _Detection:
    face: FaceLandmarks
    shape: Shape


class Tracker:
    """Gives faces their ids, frame by frame. Not for use from several threads at once."""

    def __init__(self, lost_after_s: float = 1.0) -> None:
        self.lost_after_s = lost_after_s
        self.invalid = 0
        """Detections dropped so far because of their landmarks."""
        self.duplicates = 0
        """Detections dropped so far because another one was on the same face."""
        self._tracks: list[Track] = []
        self._next_id = 1
        self._stamp_ns: int | None = None
        self._ended: list[int] = []

    @property
    def lost_after_s(self) -> float:
        """Seconds a track survives unseen; may be changed at any time. 0: it ends with the first frame without it."""
        return self._lost_after_s

    @lost_after_s.setter
    def lost_after_s(self, value: float) -> None:
        if not (math.isfinite(value) and value >= 0.0):
            raise InvalidValueError("lost_after_s", value, "a number of seconds, 0 or more")
        self._lost_after_s = value

    def update(
        self, stamp_ns: int, detections: Sequence[FaceLandmarks]
    ) -> tuple[tuple[FaceLandmarks, ...], tuple[int, ...]]:
        """The faces of a frame with id, time tracked and box, by ascending id; and the ids that ended, ascending.

        A stamp equal to the last one is another look at the same moment: tracks go on, velocities stay.
        """
        found = self._usable(detections)
        self._end_before(stamp_ns)
        shapes = [detection.shape for detection in found]
        pairs, new = self._settled(stamp_ns, shapes), []
        if pairs is None:
            same_face = _same_face(shapes)
            pairs = self._match(stamp_ns, shapes, same_face)
            new = self._beginning(found, list(pairs.values()), same_face)
        for track in self._tracks:
            track.seen = False
        given = [(self._tracks[row], found[column]) for row, column in pairs.items()]
        for track, detection in given:
            track.see(detection.shape, stamp_ns)
        given += [(self._begin(found[index].shape, stamp_ns), found[index]) for index in new]
        self._end([t for t in self._tracks if t.unseen_ns(stamp_ns) > self._lost_after_ns and not t.seen])
        self._stamp_ns = stamp_ns
        given.sort(key=lambda pair: pair[0].track_id)
        faces = tuple(_given_out(detection, track) for track, detection in given)
        ended, self._ended = tuple(sorted(self._ended)), []
        return faces, ended

    def reset(self) -> None:
        """End all tracks, as for another source of images; the next `update` lists them. Ids go on counting."""
        self._end(list(self._tracks))
        self._stamp_ns = None

    def state(self) -> dict[str, Any]:
        """All it knows of faces, as plain JSON values that lose no digit."""
        return {
            "tracks": [told(track) for track in self._tracks],
            "next_id": self._next_id,
            "stamp_ns": self._stamp_ns,
            "ended": list(self._ended),
            "invalid": self.invalid,
            "duplicates": self.duplicates,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from there; `lost_after_s` stays."""
        self._tracks = [track_of(values) for values in state["tracks"]]
        self._next_id, self._stamp_ns = state["next_id"], state["stamp_ns"]
        self._ended = list(state["ended"])
        self.invalid, self.duplicates = state["invalid"], state["duplicates"]

    @property
    def _lost_after_ns(self) -> int:
        return round(self._lost_after_s * NS)

    def _usable(self, detections: Sequence[FaceLandmarks]) -> list[_Detection]:
        """Detections with sound landmarks, from left to right whatever order they came in."""
        shapes = [_shape(face) for face in detections]
        found = [_Detection(face, shape) for face, shape in zip(detections, shapes, strict=True) if shape is not None]
        self.invalid += len(detections) - len(found)
        return sorted(found, key=_position) if len(found) > 1 else found

    def _end_before(self, stamp_ns: int) -> None:
        """End the tracks that this frame can no longer continue."""
        if self._stamp_ns is None:
            return
        step_ns = stamp_ns - self._stamp_ns
        if step_ns < 0 or step_ns > max(self._lost_after_ns, MAX_GAP_S * NS):
            self._end(list(self._tracks))
        self._end([t for t in self._tracks if t.unseen_ns(stamp_ns) > self._lost_after_ns and not t.seen])

    def _settled(self, stamp_ns: int, shapes: list[Shape]) -> dict[int, int] | None:
        """What `_match` would find, where bounds of the distances tell: the same faces as before, apart. Else None.

        The usual frame, in a fraction of the time. A track goes on in a detection that cannot be further away than all
        other detections are from this track, and all other tracks from this detection.
        """
        tracks = self._tracks
        if len(shapes) != len(tracks) or not all(track.seen for track in tracks):
            return None
        if any(nearest(a, b) < DUPLICATE_DISTANCE for a, b in itertools.combinations(shapes, 2)):
            return None
        moved = [track.predicted_shift(stamp_ns) for track in tracks]
        if len(tracks) == 1:
            least, pairs = [[0.0]], {0: 0}
        else:
            least = [[nearest(t.shape, s, m) for s in shapes] for t, m in zip(tracks, moved, strict=True)]
            pairs = {row: values.index(min(values)) for row, values in enumerate(least)}
        most = {column: furthest(tracks[row].shape, shapes[column], moved[row]) for row, column in pairs.items()}
        if len(most) != len(shapes) or max(most.values(), default=0.0) >= MATCH_DISTANCE:
            return None
        for row, column in pairs.items():
            if any(least[row][other] <= max(most[column], most[other]) for other in most if other != column):
                return None
        return pairs

    def _match(self, stamp_ns: int, shapes: list[Shape], same_face: SameFace) -> dict[int, int]:
        """Position of a track → position of the detection that continues it."""
        tracks = self._tracks
        moved = [track.predicted_shift(stamp_ns) for track in tracks]
        costs = distances([track.shape for track in tracks], shapes, moved)
        for row, track in enumerate(tracks):
            if not track.seen:
                costs[row] += LOST_PENALTY_PER_S * track.unseen_ns(stamp_ns) / NS
        pairs = assign(costs, MATCH_DISTANCE)
        # On one face, the track seen last goes on, of two such the one that fits better, of those the older one.
        pairs.sort(key=lambda pair: (not tracks[pair[0]].seen, costs[pair], pair[0]))
        kept: dict[int, int] = {}
        for row, column in pairs:
            if not any(same_face[column][other] for other in kept.values()):
                kept[row] = column
        return kept

    def _beginning(self, found: list[_Detection], taken: list[int], same_face: SameFace) -> list[int]:
        """Positions of the unmatched detections that begin a track, from left to right.

        Of several on one face it is the most confident one.
        """
        left_over = [index for index in range(len(found)) if index not in taken]
        kept: list[int] = []
        for index in sorted(left_over, key=lambda i: (-_confidence(found[i].face), i)):
            if any(same_face[index][other] for other in taken + kept):
                self.duplicates += 1
            else:
                kept.append(index)
        return sorted(kept)

    def _begin(self, shape: Shape, stamp_ns: int) -> Track:
        track = Track(self._next_id, stamp_ns, stamp_ns, shape)
        self._next_id += 1
        self._tracks.append(track)
        return track

    def _end(self, tracks: list[Track]) -> None:
        self._ended += [track.track_id for track in tracks]
        self._tracks = [track for track in self._tracks if track not in tracks]


def _shape(face: FaceLandmarks) -> Shape | None:
    """The box is the detector's where it gives one."""
    x, y, width, height = face.box.tolist()
    # A sum that is finite has no term that is not.
    if math.isfinite(x + y + width + height) and max(width, height) > 0.0 and math.isfinite(face.points.sum()):
        return Shape(face.points, (x, y, x + width, y + height))
    return shape_of(face.points)


def _same_face(shapes: list[Shape]) -> SameFace:
    """Which of the detections lie on one face."""
    if len(shapes) < 2:
        return [[True]] * len(shapes)
    same: SameFace = (distances(shapes, shapes) < DUPLICATE_DISTANCE).tolist()
    return same


def _confidence(face: FaceLandmarks) -> float:
    return face.confidence if math.isfinite(face.confidence) else 0.0


def _position(detection: _Detection) -> tuple[float, ...]:
    """What detections are sorted by: left to right, then whatever tells them apart."""
    left, top, right, bottom = detection.shape.box
    return (
        left + right,
        top + bottom,
        left,
        top,
        -_confidence(detection.face),
        *detection.shape.outline[:, 0].tolist(),
    )


def _given_out(detection: _Detection, track: Track) -> FaceLandmarks:
    left, top, right, bottom = detection.shape.box
    return dataclasses.replace(
        detection.face,
        track_id=track.track_id,
        state=TrackState.MEASURED,
        # As a message carries it: whoever reads it there computes with the same number.
        tracked_s=float(np.float32((track.last_ns - track.first_ns) / NS)),
        box=np.array([left, top, right - left, bottom - top], np.float32),
    )
