"""Whether quick motion survives smoothing: when a smile begins, and how deep a blink goes.

Levels and times are those of the raw track, so that what is compared is measured against one and the same event.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face1d_ros.evaluate.metrics import OUTER_EYE_CORNERS
from face1d_ros.evaluate.tracks import Floats, Points
from face1d_ros.geometry.opening import openings
from face1d_ros.geometry.topology import to_68

MOUTH_CORNERS = (48, 54)
"""Of the 68 points."""
ONSET_SHARE = 0.2
"""Of its way that a mouth has gone where a smile is taken to have begun."""
LEAST_WAY = 0.1
"""In distances of the outer eye corners: a mouth that widens less does not smile."""
REST_S = 0.5
"""Before and after the steepest rise, over which the medians are the mouth's width at rest and in the smile."""
RISE_S = 0.25
"""Half of the longest rise from rest to smile: what lies within it of the steepest rise is neither."""
LEAST_BLINK = 0.25
"""Of the eye's opening around it: a shallower dip is no blink."""
LONGEST_BLINK_S = 0.6
BASELINE_S = 1.0
"""Over which the median of the opening is that of an open eye."""
NEAR_BLINK_S = 0.1
"""On either side of the raw dip's deepest frame, in which a smoothed dip may have its own."""


@dataclass(frozen=True)
class Smile:
    """Of a raw track."""

    level: float
    """Mouth width at which it has begun."""
    first: int
    """Frame from which the level is looked for."""
    last: int


@dataclass(frozen=True, eq=False)
class Blinks:
    """Of a raw track."""

    baseline: Floats
    """(T,) opening of the eyes, were they not blinking."""
    frames: NDArray[np.intp]
    """(blinks,) deepest frame of each."""
    near: int
    """Frames on either side that belong to it."""


def mouth_width(points: Points) -> Floats:
    """(T,) distance of the mouth's corners over that of the outer eye corners, of (T, N, 2 or 3)."""
    plane = to_68(np.asarray(points, np.float64))[..., :2]
    mouth, eyes = (
        np.linalg.norm(plane[:, right] - plane[:, left], axis=-1) for right, left in (MOUTH_CORNERS, OUTER_EYE_CORNERS)
    )
    return np.asarray(mouth / eyes)


def eye_opening(points: Points) -> Floats:
    """(T,) mean of both eyes."""
    return np.asarray(openings(np.asarray(points))[:, :2].mean(axis=1))


def find_smile(width: Floats, rate_hz: float) -> Smile | None:
    """The one in which the mouth widens most; None where it does not widen by `LEAST_WAY`."""
    rise, rest = max(round(RISE_S * rate_hz), 1), max(round(REST_S * rate_hz), 1)
    if len(width) < 2 * rise + 2:
        return None
    gain = width[2 * rise :] - width[: -2 * rise]
    if not np.isfinite(gain).any():
        return None
    middle = int(np.nanargmax(gain)) + rise
    start, end = middle - rise, middle + rise
    low = float(np.nanmedian(width[max(start - rest, 0) : start + 1]))
    high = float(np.nanmedian(width[end : end + rest + 1]))
    if not high - low >= LEAST_WAY:
        return None
    return Smile(low + ONSET_SHARE * (high - low), max(start - rest, 0), min(end + rest, len(width) - 1))


def onset_frame(width: Floats, smile: Smile) -> float:
    """When the width first reaches the level, between frames; NaN where it never does."""
    for index in range(smile.first + 1, smile.last + 1):
        before, now = float(width[index - 1]), float(width[index])
        if before < smile.level <= now:
            return index - 1 + (smile.level - before) / (now - before)
    return float("nan")


def find_blinks(opening: Floats, rate_hz: float) -> Blinks:
    """Short dips of the opening, deeper than `LEAST_BLINK` of what it is around them."""
    from scipy.ndimage import median_filter
    from scipy.signal import find_peaks

    known = np.isfinite(opening)
    if not known.any():
        return Blinks(opening, np.zeros(0, np.intp), 0)
    filled = np.interp(np.arange(len(opening)), np.flatnonzero(known), opening[known])
    baseline = median_filter(filled, size=2 * round(BASELINE_S * rate_hz / 2) + 1, mode="nearest")
    dip = np.where(known, 1.0 - filled / baseline, 0.0)
    longest = max(round(LONGEST_BLINK_S * rate_hz), 1)
    # Width is that at half of the dip's depth.
    frames, _ = find_peaks(dip, height=LEAST_BLINK, prominence=LEAST_BLINK, distance=longest, width=(None, longest))
    return Blinks(baseline, frames, max(round(NEAR_BLINK_S * rate_hz), 1))


def blink_depths(opening: Floats, blinks: Blinks) -> Floats:
    """(blinks,) how far each goes below the raw track's open eye; NaN where nothing is known of it."""
    depths = np.full(len(blinks.frames), np.nan)
    for number, frame in enumerate(blinks.frames.tolist()):
        around = slice(max(frame - blinks.near, 0), frame + blinks.near + 1)
        below = (blinks.baseline - opening)[around]
        if np.isfinite(below).any():
            depths[number] = np.nanmax(below)
    return depths
