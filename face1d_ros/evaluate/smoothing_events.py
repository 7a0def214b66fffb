"""Whether quick motion survives smoothing: when a smile begins, and how deep a blink goes.

Times are those of the raw track, so that one and the same event is compared. Levels are each track's own: whoever moves
the corners of the mouth or the lids by a fixed way neither delays a smile nor flattens a blink by that.
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
LEAST_KEPT = 0.5
"""Of the raw way: less is no smile."""
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

    rest: slice
    """Frames in which the mouth is at rest."""
    smiling: slice
    """Frames in which it smiles."""
    way: float
    """By which it widens in the raw track."""


@dataclass(frozen=True, eq=False)
class Blinks:
    """Of a raw track."""

    window: int
    """Frames over which the median is the opening of eyes that do not blink."""
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
    return Smile(slice(max(start - rest, 0), start + 1), slice(end, end + rest + 1), high - low)


def onset_frame(width: Floats, smile: Smile) -> float:
    """When the width has gone its share of the way, between frames; NaN where it goes less than half the raw way."""
    low, high = float(np.nanmedian(width[smile.rest])), float(np.nanmedian(width[smile.smiling]))
    level = low + ONSET_SHARE * (high - low)
    if not high - low >= LEAST_KEPT * smile.way:
        return float("nan")
    for index in range(smile.rest.start + 1, min(smile.smiling.stop, len(width))):
        before, now = float(width[index - 1]), float(width[index])
        if before < level <= now:
            return index - 1 + (level - before) / (now - before)
    return float("nan")


def find_blinks(opening: Floats, rate_hz: float) -> Blinks:
    """Short dips of the opening, deeper than `LEAST_BLINK` of what it is around them."""
    from scipy.signal import find_peaks

    known, window = np.isfinite(opening), 2 * round(BASELINE_S * rate_hz / 2) + 1
    if not known.any():
        return Blinks(window, np.zeros(0, np.intp), 0)
    filled, baseline = _open(opening, window)
    dip = np.where(known, 1.0 - filled / baseline, 0.0)
    longest = max(round(LONGEST_BLINK_S * rate_hz), 1)
    # Width is that at half of the dip's depth.
    frames, _ = find_peaks(dip, height=LEAST_BLINK, prominence=LEAST_BLINK, distance=longest, width=(None, longest))
    return Blinks(window, frames, max(round(NEAR_BLINK_S * rate_hz), 1))


def blink_depths(opening: Floats, blinks: Blinks) -> Floats:
    """(blinks,) how far each goes below the open eye of the same track; NaN where nothing is known of it."""
    depths = np.full(len(blinks.frames), np.nan)
    if not np.isfinite(opening).any():
        return depths
    below = _open(opening, blinks.window)[1] - opening
    for number, frame in enumerate(blinks.frames.tolist()):
        around = below[max(frame - blinks.near, 0) : frame + blinks.near + 1]
        if np.isfinite(around).any():
            depths[number] = np.nanmax(around)
    return depths


def _open(opening: Floats, window: int) -> tuple[Floats, Floats]:
    """(T,) twice: the opening without gaps, and what it would be, were the eyes not blinking."""
    from scipy.ndimage import median_filter

    known = np.flatnonzero(np.isfinite(opening))
    filled = np.interp(np.arange(len(opening)), known, opening[known])
    return filled, np.asarray(median_filter(filled, size=window, mode="nearest"))
