"""Chosen motions of synthetic people, repeated, as motion encoders learn from them.

Each clip goes through the default smoothing stage, but every third, as in use. Of every second person the skin moves
otherwise than the face model's, in a way of that person's own. Letters: C clips, G frames of all clips on the grid.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import CorpusError
from face1d_ros.geometry.motion_clip import Stretch, on_grid
from face1d_ros.geometry.motion_spotting import spotted
from face1d_ros.geometry.topology import to_68
from face1d_ros.synth.faces.point_model import PointModel
from face1d_ros.synth.motion.free import made_of
from face1d_ros.synth.noise.observe import NoiseModel
from face1d_ros.synth.sequence import Sequence, SequencePlan, make_sequence
from face1d_ros.train.expression_tracks import ASSUMED_EVERY, aligned, of_another_skin
from face1d_ros.train.kept_arrays import KeptArrays
from face1d_ros.train.steadied import Steadied

CLIPS_VERSION = 1
"""Another one when the same plans give other clips."""
SHORTEST = 6
"""Frames of the grid that say anything."""


@dataclass(frozen=True, eq=False)
class IdentityClips(KeptArrays):
    """Clips one after the other."""

    called = "clips of motions"

    points_cm: NDArray[np.float16]
    """(G, 68, 3) landmarks without the head's pose."""
    first: NDArray[np.int64]
    """(C + 1,) number of the frame with which each clip begins; at the end that of all frames."""
    subject: NDArray[np.int64]
    """(C,)"""
    motion: NDArray[np.int64]
    """(C,) which motion, the same in all its repetitions."""
    gestures: NDArray[np.int64]
    """(C,) what the motion is made of, as a number: two motions of one subject with the same are no fair pair."""
    moving: NDArray[np.int64]
    """(C, 2) frames of the clip between which the face moves; the whole clip where no motion was spotted."""

    def __len__(self) -> int:
        return len(self.subject)

    def clip(self, index: int) -> NDArray[np.float32]:
        """(T, 68, 3) one of them."""
        return self.points_cm[self.first[index] : self.first[index + 1]].astype(np.float32)

    @classmethod
    def joined(cls, parts: Iterable[IdentityClips]) -> IdentityClips:
        """All of them."""
        found = list(parts)
        if not found:
            raise CorpusError("no sequence shows a face long enough; make more of them")
        lengths = np.concatenate([np.diff(part.first) for part in found])
        arrays = {one.name: np.concatenate([getattr(part, one.name) for part in found]) for one in fields(cls)}
        return cls(**(arrays | {"first": np.concatenate([[0], np.cumsum(lengths)])}))


class ClipReader:
    """Makes clips of plans; one in each process."""

    def __init__(self, points: PointModel, noise: NoiseModel) -> None:
        self._points, self._noise = points, noise
        self._steadied = Steadied()

    def clips(self, plan: SequencePlan, number: int) -> list[IdentityClips]:
        """Of one sequence; none where no face is seen long enough."""
        sequence = make_sequence(plan, self._points, self._noise)
        if plan.subject.id % 2:
            sequence = of_another_skin(sequence, self._points, self._noise, plan.subject.id)
        found = clip_of(self._steadied.of(sequence, number), is_assumed=number % ASSUMED_EVERY == 0)
        if len(found) < SHORTEST:
            return []
        motion = plan.motion.free[0]
        moving = spotted(found) or Stretch(0, len(found))
        return [
            IdentityClips(
                points_cm=found.astype(np.float16),
                first=np.array([0, len(found)]),
                subject=np.array([plan.subject.id]),
                motion=np.array([motion.motion_id]),
                gestures=np.array([zlib.crc32((made_of(motion) or str(motion.motion_id)).encode())]),
                moving=np.array([[moving.begin, moving.end]]),
            )
        ]


def clip_of(sequence: Sequence, *, is_assumed: bool) -> NDArray[np.float32]:
    """(G, 68, 3) the frames that were seen, without the head's pose, on the grid; none where fewer than two were."""
    chosen = np.flatnonzero(sequence.seen & sequence.present)
    if len(chosen) < 2:
        return np.zeros((0, 68, 3), np.float32)
    confidence = np.asarray(sequence.point_confidence[chosen], np.float32)
    faces = aligned(sequence, chosen, confidence, is_assumed=is_assumed)
    return on_grid(to_68(faces.points_cm), sequence.stamps_s[chosen])
