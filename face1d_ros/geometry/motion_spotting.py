"""Where in time a face moves: the standard deviations of its landmarks over windows of different sizes.

After Sun et al. (Electronics 2022, Section 2.5), who find onset and offset of a motion so. What counts as motion is
told for each part of the face apart, and rises with the noise that this camera has while the face rests. Frames are
those of the grid in `motion_clip`.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.geometry.motion_clip import FRAMES, POINTS, RATE_HZ, Stretch, rest_of

Floats = NDArray[np.floating[Any]]
WINDOWS = (4, 10)
"""Frames: 0.2 s sees flash motions, 0.5 s slow ones."""
PARTS = ((0, 17), (17, 27), (27, 36), (36, 42), (42, 48), (48, 68))
"""Jaw, brows, nose, right eye, left eye, lips: first landmark, and that after the last."""
PART_BEGINS = [first for first, _ in PARTS]
PART_SIZES = np.array([end - first for first, end in PARTS])
MOVES_CM = (0.10, 0.09, 0.06, 0.14, 0.14, 0.09)
"""Standard deviation over 0.5 s from which a part moves. Of the eyes it is above that of most blinks."""
SHORT_SHARE = 0.8
"""Of it, over the shorter window."""
OVER_REST = 2.0
"""How far above a quarter of what was seen so far it must be as well."""
FULL = 4
"""Frames with full windows before rest is known."""
QUIET = 16
"""Frames without motion that end it: a pause within a motion is shorter."""
AWAY_CM = 0.25
"""Root mean square distance of a part from rest at which a still face is held, not resting."""
LEAD, LAG = 4, 6
"""Frames by which a deviation rises after a motion began, and falls after it ended."""


class Spotter:
    """Sees each frame of a grid once."""

    def __init__(self) -> None:
        self._recent = np.zeros((max(WINDOWS), POINTS, 3))
        self._seen = np.zeros((FRAMES, len(WINDOWS), len(PARTS)))
        self._count = 0
        self._thresholds = np.outer((SHORT_SHARE, 1.0), MOVES_CM)

    def update(self, points_cm: Floats) -> bool:
        """Whether the face (68, 3) moves."""
        self._recent[:-1] = self._recent[1:]
        self._recent[-1] = points_cm
        self._count += 1
        if self._count < min(WINDOWS):
            return False
        deviations = self._deviations()
        self._seen[self._count % FRAMES] = deviations
        return bool((deviations > np.maximum(self._thresholds, OVER_REST * self._at_rest())).any())

    def _at_rest(self) -> Floats:
        """(windows, parts) the quarter of what was seen so far that lies lowest ends there; 0 while little was seen."""
        full = self._count - max(WINDOWS)
        if full < FULL:
            return np.zeros_like(self._thresholds)
        seen = self._seen if self._count >= FRAMES else self._seen[max(WINDOWS) + 1 : self._count + 1]
        return np.asarray(np.partition(seen, len(seen) // 4, axis=0)[len(seen) // 4])

    def _deviations(self) -> Floats:
        """(windows, parts) standard deviations, cm."""
        found = np.empty((len(WINDOWS), len(PARTS)))
        for row, length in enumerate(WINDOWS):
            recent = self._recent[-min(length, self._count) :]
            off = recent - recent.mean(axis=0)
            variance = np.einsum("tnc,tnc->n", off, off) / len(recent)
            found[row] = np.add.reduceat(variance, PART_BEGINS) / PART_SIZES
        return np.sqrt(found)


class MotionWatch:
    """Tells each stretch of motion when it is over. Keeps the frames that it may need for that."""

    def __init__(self) -> None:
        self._spotter = Spotter()
        self._frames: deque[Floats] = deque(maxlen=2 * FRAMES)
        self._count = 0
        self._began: int | None = None
        self._moved = 0
        self._rested_from = 0
        self._rest_cm: Floats | None = None
        """The face before the motion that goes on; None: it was not seen at rest."""

    @property
    def is_moving(self) -> bool:
        """Whether a motion has begun and is not over."""
        return self._began is not None

    @property
    def moving_s(self) -> float:
        """Since it began."""
        return 0.0 if self._began is None else (self._count - self._began) / RATE_HZ

    def update(self, points_cm: Floats) -> Stretch | None:
        """The stretch that is over with this frame; frames are counted from the first."""
        self._frames.append(np.asarray(points_cm, np.float32))
        now, self._count = self._count, self._count + 1
        if self._spotter.update(points_cm):
            self._moved = now
            if self._began is None:
                self._began = max(now - LEAD, 0)
                self._learn_rest(self._began)
        if self._began is None:
            return None
        if now - self._moved >= QUIET and not self._is_held():
            found = self.finish()
            self._rested_from = self._count if found is None else found.end
            return found
        return self._cut(self._began) if now + 1 - self._began >= FRAMES else None

    def finish(self) -> Stretch | None:
        """The stretch that is going on, as if it ended now."""
        began, self._began = self._began, None
        if began is None:
            return None
        return Stretch(began, max(min(self._moved + 1 - LAG, self._count), began + LEAD))

    def frames(self, stretch: Stretch) -> tuple[Floats, Stretch]:
        """(G, 68, 3) all frames that are still known, and where the stretch lies among them."""
        kept = np.stack(self._frames)
        first = self._count - len(kept)
        return kept, Stretch(max(stretch.begin - first, 0), stretch.end - first)

    def _learn_rest(self, began: int) -> None:
        """From what lies between the motion before and this one; where that is too little, it is as it was."""
        kept, stretch = self.frames(Stretch(self._rested_from, began))
        if stretch.end - stretch.begin >= LEAD:
            self._rest_cm = rest_of(kept[stretch.begin : stretch.end], None)

    def _cut(self, began: int) -> Stretch:
        """What has gone on for too long, up to now. What follows is not taken for rest before a motion has ended."""
        self._began, self._rested_from = None, self._count + 2 * FRAMES
        return Stretch(began, self._count)

    def _is_held(self) -> bool:
        """Whether the face is still, but not at rest as before the motion."""
        if self._rest_cm is None:
            return False
        off = ((self._frames[-1] - self._rest_cm) ** 2).sum(axis=1)
        return max(float(off[first:end].mean()) for first, end in PARTS) > AWAY_CM**2


def spotted(grid_cm: Floats) -> Stretch | None:
    """From the first motion in a clip to the end of the last; None where nothing moves."""
    watch, found = MotionWatch(), []
    for points_cm in grid_cm:
        found.append(watch.update(points_cm))
    stretches = [one for one in (*found, watch.finish()) if one is not None]
    return Stretch(stretches[0].begin, stretches[-1].end) if stretches else None
