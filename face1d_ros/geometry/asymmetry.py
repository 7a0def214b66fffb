"""How much less one half of a face moves than the other, from landmarks without the head's pose.

Both halves are commanded together in most of what a face does, blinks above all: in the plane of a left and a right
signal the motion lies along a line, whose direction is the ratio of what the halves make of it. That direction is the
principal axis of their covariance; noise that is equal on both sides does not turn it. What the signals have in common
with the head's turn, because landmarks are less exact on the far side, is taken out by regression, and slow drift by a
high pass.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import InvalidValueError
from face1d_ros.geometry.asymmetry_signals import REGIONS, signals
from face1d_ros.types import FaceAsymmetry, Side, Topology

Floats = NDArray[np.float64]
MEMORY_S = 30.0
"""Within this what was seen counts a third."""
HIGH_PASS_S = 0.7
NEUTRAL_S = 10.0
EVENT_S = 1.0
"""Motions further apart are independent of each other."""
FIRST_S = 2.0
"""Nothing is said before so much was seen."""
LONGEST_STEP_S = 0.25
"""After a longer gap the high pass begins anew."""
FURTHEST_TURN_RAD = 0.6
"""Of yaw and pitch. Beyond it one half of the face is hardly seen."""
TURN_PRIOR_RAD = 0.009
"""The head's turn explains signals only as far as it exceeds this."""
NATURAL = 0.02
"""No region is known better than this: between two motions of one face the index differs by so much."""
USUAL_ERROR = 0.1
"""Of the overall index: with this error the confidence is 0.7."""
LEAST_CM = 0.03
"""Motion below this is none."""
SIDE_FROM = 0.1
"""Overall index from which a side is called weaker."""
DOUBT = 0.5
"""So many standard errors are taken off the index first."""
IN_OVERALL = np.isin(REGIONS, ("brow", "eye", "mouth"))
"""Nose and cheeks move too little, against an error of the head's pose that both sides share."""
TURN_TERMS = 5


@dataclass(frozen=True, eq=False)
class Ratio:
    """What is known of the motion of each region."""

    index: Floats
    """(regions,) (left - right) / (left + right); NaN where nothing moved."""
    error: Floats
    """(regions,) its standard error."""


class AsymmetryMeter:
    """Follows one face. All time comes in as steps."""

    def __init__(self, topology: Topology) -> None:
        self._signals = signals(topology)
        self._count = len(self._signals.region)
        size = 2 * self._count + TURN_TERMS
        self._fast, self._neutral = np.zeros(size), np.zeros(size)
        self._moments = np.zeros((size, size))
        self._weight_s = self._seen_s = 0.0
        self._begins = True
        self.last = FaceAsymmetry()
        """What was said last."""

    def update(self, aligned_cm: NDArray[np.floating], turn_rad: Floats, dt_s: float) -> FaceAsymmetry:
        """The face after one more frame.

        aligned_cm (N, 3) landmarks on the canonical face, turn_rad (3,) yaw, pitch, roll, dt_s since the last frame
        (0 for the first).
        """
        if not (math.isfinite(dt_s) and dt_s >= 0.0):
            raise InvalidValueError("dt_s", dt_s, "a number of seconds from 0")
        yaw, pitch = float(turn_rad[0]), float(turn_rad[1])
        values = np.concatenate(
            [self._signals.of(aligned_cm), (yaw, pitch, yaw * yaw, yaw * pitch, pitch * pitch)],
        )
        is_useful = max(abs(yaw), abs(pitch)) <= FURTHEST_TURN_RAD and bool(np.isfinite(values).all())
        if is_useful:
            self._take(values, dt_s)
        self.last = self._said(values if is_useful else None)
        return self.last

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

    def _said(self, values: Floats | None) -> FaceAsymmetry:
        if self._seen_s < FIRST_S:
            return FaceAsymmetry()
        covariance, slopes = self._conditional()
        ratio = self._ratio(covariance)
        known = np.isfinite(ratio.index) & IN_OVERALL
        if not known.any():
            return FaceAsymmetry()
        weight = np.where(known, 1.0 / (ratio.error**2 + NATURAL**2), 0.0)
        overall = float((weight * np.where(known, ratio.index, 0.0)).sum() / weight.sum())
        error = float(np.sqrt((weight**2 * np.where(known, ratio.error, 0.0) ** 2).sum()) / weight.sum())
        certain = max(0.0, abs(overall) - DOUBT * error)
        side = Side.NONE
        if certain >= SIDE_FROM:
            side = Side.LEFT if overall < 0.0 else Side.RIGHT
        return FaceAsymmetry(
            position=self._position(values, covariance, slopes),
            motion=ratio.index.astype(np.float32),
            overall=abs(overall),
            weaker_side=side,
            confidence=USUAL_ERROR / math.hypot(USUAL_ERROR, error),
        )

    def _conditional(self) -> tuple[Floats, Floats]:
        """(2 F, 2 F) covariance of the signals without what the turn explains, and (TURN_TERMS, 2 F) what it does."""
        split = 2 * self._count
        moments = self._moments / self._weight_s
        prior = np.full(TURN_TERMS, TURN_PRIOR_RAD**2)
        prior[2:] *= 4.0 * TURN_PRIOR_RAD**2
        across = moments[split:, :split]
        slopes = np.linalg.solve(moments[split:, split:] + np.diag(prior), across)
        covariance: Floats = moments[:split, :split] - across.T @ slopes
        return covariance, slopes

    def _ratio(self, covariance: Floats) -> Ratio:
        """The principal axis of left and right for each region, over its signals."""
        left, right = np.arange(self._count), np.arange(self._count, 2 * self._count)
        parts = [
            np.bincount(self._signals.region, covariance[a, b], len(REGIONS))
            for a, b in ((left, left), (right, right), (left, right))
        ]
        ll, rr, lr = parts
        spread = np.hypot(ll - rr, 2.0 * lr)
        large, small = (ll + rr + spread) / 2.0, np.maximum(ll + rr - spread, 0.0) / 2.0
        angle = 0.5 * np.arctan2(2.0 * lr, ll - rr)
        a, b = np.abs(np.cos(angle)), np.abs(np.sin(angle))
        moved = large > LEAST_CM**2
        events = max(self._weight_s / EVENT_S, 1.0)
        index = np.where(moved, (a - b) / (a + b), np.nan)
        error = np.sqrt(large * small / events) / np.where(spread > 0.0, spread, 1.0)
        return Ratio(index, np.where(moved & (spread > 0.0), np.minimum(error, 1.0), 1.0))

    def _position(self, values: Floats | None, covariance: Floats, slopes: Floats) -> NDArray[np.float32]:
        """(regions,) how far each half is from the face's own neutral now; noise alone gives 0."""
        if values is None:
            return np.full(len(REGIONS), np.nan, np.float32)
        split = 2 * self._count
        away = values - self._neutral
        squares = (away[:split] - away[split:] @ slopes) ** 2
        region = self._signals.region
        left, right = (
            np.sqrt(np.bincount(region, part, len(REGIONS)))
            for part in (squares[: self._count], squares[self._count :])
        )
        there = np.bincount(region, minlength=len(REGIONS)) > 0
        position = (left - right) / (left + right + LEAST_CM)
        return np.where(there, position, np.nan).astype(np.float32)
