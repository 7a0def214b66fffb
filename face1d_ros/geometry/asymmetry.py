"""How much less one half of a face moves than the other, from landmarks without the head's pose.

Each motion that both halves can make, a blink or a smile, is followed for either half; how strongly each half makes it
is the standard deviation, noise taken off. What goes along with the head's turn, because landmarks are less exact on
the far side, is taken out by regression, and what is slow by a high pass. All motions vote on one index.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import InvalidValueError
from face1d_ros.geometry.asymmetry_signals import REGIONS, Signals, signals
from face1d_ros.geometry.asymmetry_votes import Votes, agreed, votes
from face1d_ros.types import FaceAsymmetry, Side, Topology

Floats = NDArray[np.float64]
MEMORY_S = 30.0
"""Within this what was seen counts a third."""
HIGH_PASS_S = 0.25
NEUTRAL_S = 10.0
FIRST_S = 2.0
"""Nothing is said before so much was seen."""
LONGEST_STEP_S = 0.25
"""After a longer gap the high pass begins anew."""
FURTHEST_TURN_RAD = 0.6
"""Of yaw and pitch. Beyond it one half of the face is hardly seen."""
TURN_PRIOR_RAD = 0.009
"""The head's turn explains signals only as far as it exceeds this."""
USUAL_ERROR = 0.1
"""Of the overall index: with this error the confidence is 0.7."""
LARGEST_ERROR = 0.5
"""Of an index that is said."""
SURE_ERROR = 0.25
"""With a larger one no side is called weaker."""
SIDE_FROM = 0.08
"""Overall index from which a side is called weaker."""
DOUBT = 0.25
"""So many standard errors are taken off the index first."""
TURN_TERMS = 5
TURN_PRIOR = np.diag([TURN_PRIOR_RAD**2] * 2 + [4.0 * TURN_PRIOR_RAD**4] * 3)
LEAST_S = 1e-9
JUDGED_EVERY_S = 0.2
"""All but the position is a mean over `MEMORY_S` and dear to form anew in each frame: what is said is never older."""


class AsymmetryMeter:
    """Follows one face. All time comes in as steps."""

    def __init__(self, topology: Topology, read: Signals | None = None) -> None:
        """Reads the signals that ship, or others."""
        self._signals = read or signals(topology)
        self._count = len(self._signals.region)
        size = 2 * self._count + TURN_TERMS
        self._fast, self._neutral = np.zeros(size), np.zeros(size)
        self._moments = np.zeros((size, size))
        by_region = np.arange(len(REGIONS))[:, None] == self._signals.region
        self._electorates = np.concatenate([np.ones((1, self._count)), by_region])
        self._weight_s = self._seen_s = 0.0
        self._begins = True
        self._skipped_s = 0.0
        there = by_region.any(axis=1)
        self._regions = np.where(there[:, None], by_region, np.nan)
        self._region_noise = np.sqrt(by_region @ self._signals.noise**2)
        self._judged = FaceAsymmetry()
        self._judged_ago_s = math.inf
        self.last = FaceAsymmetry()
        """What was said last."""

    def update(self, aligned_cm: NDArray[np.floating], turn_rad: Floats, dt_s: float) -> FaceAsymmetry:
        """The face after one more frame.

        aligned_cm (N, 3) landmarks on the canonical face, turn_rad (3,) yaw, pitch, roll, dt_s since the last frame
        (0 for the first).
        """
        values = self.watch(aligned_cm, turn_rad, dt_s)
        self.last = self._said(values, dt_s)
        return self.last

    def skip(self, dt_s: float) -> FaceAsymmetry:
        """The face after a frame that says nothing of it: what was known stays, but for where it is now."""
        self._skipped_s += dt_s
        self.last = self._said(None, dt_s)
        return self.last

    def watch(self, aligned_cm: NDArray[np.floating], turn_rad: Floats, dt_s: float) -> Floats | None:
        """The same without a word; (2 F + TURN_TERMS,) signals and turn, None where the frame tells nothing."""
        if not (math.isfinite(dt_s) and dt_s >= 0.0):
            raise InvalidValueError("dt_s", dt_s, "a number of seconds from 0")
        yaw, pitch = float(turn_rad[0]), float(turn_rad[1])
        values = np.empty(2 * self._count + TURN_TERMS)
        values[:-TURN_TERMS] = self._signals.of(aligned_cm)
        values[-TURN_TERMS:] = (yaw, pitch, yaw * yaw, yaw * pitch, pitch * pitch)
        if max(abs(yaw), abs(pitch)) > FURTHEST_TURN_RAD or not np.isfinite(values).all():
            self._skipped_s += dt_s
            return None
        self._take(values, dt_s + self._skipped_s)
        self._skipped_s = 0.0
        return values

    def _take(self, values: Floats, dt_s: float) -> None:
        if self._begins or dt_s > LONGEST_STEP_S:
            self._fast = values.copy()
            if self._begins:
                self._neutral = values.copy()
            self._begins = False
            return
        self._seen_s += dt_s
        if dt_s == 0.0:
            return
        self._fast += -math.expm1(-dt_s / HIGH_PASS_S) * (values - self._fast)
        self._neutral += -math.expm1(-dt_s / min(self._seen_s, NEUTRAL_S)) * (values - self._neutral)
        swing = values - self._fast
        kept = math.exp(-dt_s / MEMORY_S)
        self._moments *= kept
        self._moments += dt_s * swing[:, None] * swing
        self._weight_s = self._weight_s * kept + dt_s

    def energy(self) -> tuple[Floats, Floats]:
        """(2, F) mean squares of the left and the right signals without what the turn explains, and what it does.

        The second is (TURN_TERMS, 2 F), what each term of the turn adds to each signal.
        """
        of_turn, across = self._turn_moments()
        slopes = np.linalg.solve(of_turn, across)
        squares = np.diagonal(self._moments)[: 2 * self._count] / max(self._weight_s, LEAST_S)
        return (squares - (across * slopes).sum(axis=0)).reshape(2, self._count), slopes

    def _turn_moments(self) -> tuple[Floats, Floats]:
        """(TURN_TERMS, TURN_TERMS) of the turn, prior included, and (TURN_TERMS, 2 F) of it with the signals."""
        moments = self._moments[2 * self._count :] / max(self._weight_s, LEAST_S)
        return moments[:, 2 * self._count :] + TURN_PRIOR, moments[:, : 2 * self._count]

    def _said(self, values: Floats | None, dt_s: float) -> FaceAsymmetry:
        self._judged_ago_s += dt_s
        if self._judged_ago_s >= JUDGED_EVERY_S and self._seen_s >= FIRST_S:
            self._judged, self._judged_ago_s = self._judgement(), 0.0
        judged = self._judged
        if values is None or judged.weaker_side is Side.UNKNOWN:
            return judged
        return FaceAsymmetry(
            self._position(values), judged.motion, judged.overall, judged.weaker_side, judged.confidence
        )

    def _judgement(self) -> FaceAsymmetry:
        """All but the position."""
        energy, _ = self.energy()
        cast = votes(energy, self._signals.noise, self._signals.spread)
        indices, errors = agreed(Votes(cast.index, cast.weight * self._electorates))
        index, error = float(indices[0]), float(errors[0])
        if not error <= LARGEST_ERROR:
            return FaceAsymmetry()
        side = Side.NONE
        if error <= SURE_ERROR and abs(index) - DOUBT * error >= SIDE_FROM:
            side = Side.LEFT if index < 0.0 else Side.RIGHT
        return FaceAsymmetry(
            motion=np.where(errors[1:] <= LARGEST_ERROR, indices[1:], np.nan).astype(np.float32),
            overall=abs(index),
            weaker_side=side,
            confidence=USUAL_ERROR / math.hypot(USUAL_ERROR, error),
        )

    def _position(self, values: Floats) -> NDArray[np.float32]:
        """(regions,) how far each half is from the face's own neutral now; noise alone gives 0."""
        split = 2 * self._count
        away = values - self._neutral
        of_turn, across = self._turn_moments()
        off = (away[:split] - np.linalg.solve(of_turn, away[split:]) @ across).reshape(2, self._count)
        left, right = np.sqrt((off * off) @ self._regions.T)
        return ((left - right) / (left + right + self._region_noise)).astype(np.float32)
