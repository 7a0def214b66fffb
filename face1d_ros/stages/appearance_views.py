"""What was seen of one face while somebody asked for it: vectors and features of some of its frames, no pixels."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from face1d_ros.geometry.motion_clip import LONGEST_GAP_S, RATE_HZ
from face1d_ros.stages.identity_motion import Motion
from face1d_ros.types import FloatArray

NS = 1_000_000_000
EMBEDDED_EVERY_S, FEATURES_EVERY_S = 0.09, 0.045
"""Views of one face that follow each other faster say little more."""
KEPT_S = 9.0
"""The longest motion, with rest beside it."""
BESIDE_S = 0.5
"""Before and after a motion, in which the face counts as seen during it."""
LEAST_VIEWS = 3
LONGEST_UNSEEN_S = 0.3
"""During a motion: in a longer time, somebody else could make a part of it that tells people apart."""


class Views:
    """What was seen of one face, from the moment at which somebody asks for it."""

    def __init__(self) -> None:
        self._embeddings: deque[tuple[int, FloatArray]] = deque()
        self._features: deque[tuple[int, FloatArray]] = deque()

    def wants_embedding(self, stamp_ns: int) -> bool:
        """Whether the last one is long enough ago."""
        return _is_due(self._embeddings, stamp_ns, EMBEDDED_EVERY_S)

    def wants_features(self, stamp_ns: int) -> bool:
        """As `wants_embedding`."""
        return _is_due(self._features, stamp_ns, FEATURES_EVERY_S)

    def add_embedding(self, stamp_ns: int, embedding: FloatArray) -> None:
        """(A,) of this frame."""
        _add(self._embeddings, stamp_ns, embedding)

    def add_features(self, stamp_ns: int, features: FloatArray) -> None:
        """(512, 7, 7) of this frame."""
        _add(self._features, stamp_ns, features)

    def during(self, motion: Motion) -> list[FloatArray]:
        """(A,) each, seen while the motion was made, or shortly before or after; none where a part was not seen."""
        beside_ns = round(BESIDE_S * NS)
        first, last = motion.from_ns - beside_ns, motion.to_ns + beside_ns
        during = [stamp_ns for stamp_ns, _ in self._embeddings if motion.from_ns < stamp_ns < motion.to_ns]
        if np.diff([motion.from_ns, *during, motion.to_ns]).max() > LONGEST_UNSEEN_S * NS:
            return []
        return [embedding for stamp_ns, embedding in self._embeddings if first <= stamp_ns <= last]

    def maps(self, motion: Motion) -> FloatArray | None:
        """(FRAMES, 512, 7, 7) on the motion's grid, interpolated; None where there is a gap."""
        if len(self._features) < LEAST_VIEWS:
            return None
        seen_s = np.array([(stamp_ns - motion.first_ns) / NS for stamp_ns, _ in self._features])
        count = int(motion.mask.sum())
        times_s = np.arange(count) / RATE_HZ
        after = np.clip(np.searchsorted(seen_s, times_s), 1, len(seen_s) - 1)
        apart_s = seen_s[after] - seen_s[after - 1]
        beyond_s = np.maximum(seen_s[0] - times_s, times_s - seen_s[-1])
        if apart_s.max() > LONGEST_GAP_S or beyond_s.max() > LONGEST_GAP_S:
            return None
        shares = np.clip((times_s - seen_s[after - 1]) / apart_s, 0.0, 1.0).astype(np.float32)
        found = np.zeros((len(motion.mask), *self._features[0][1].shape), np.float32)
        for row, (share, right) in enumerate(zip(shares, after, strict=True)):
            left, nearer = self._features[right - 1][1], self._features[right][1]
            found[row] = (1.0 - share) * left + share * nearer
        return found


@dataclass(frozen=True, eq=False)
class Sight:
    """What was seen of a face during one motion."""

    appearance: FloatArray | None = field(default=None, repr=False)
    """(A,) of length 1; None: no model looks at it, or it was not seen."""
    maps: FloatArray | None = field(default=None, repr=False)
    """(FRAMES, 512, 7, 7), where the motion encoder reads them."""


NOTHING_SEEN = Sight()


def _is_due(seen: deque[tuple[int, FloatArray]], stamp_ns: int, every_s: float) -> bool:
    return not seen or stamp_ns - seen[-1][0] >= every_s * NS


def _add(seen: deque[tuple[int, FloatArray]], stamp_ns: int, value: FloatArray) -> None:
    seen.append((stamp_ns, value))
    while stamp_ns - seen[0][0] > KEPT_S * NS:
        seen.popleft()
