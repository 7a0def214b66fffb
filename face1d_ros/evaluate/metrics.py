"""Landmarks against their truth, and how they move: one definition of each figure, used everywhere.

p is what was predicted, g the truth, N landmarks, T frames, all in the image plane. The size of a face in a frame is
the larger side of the box around the truth's landmarks, or around the predicted ones where there is no truth. Figures
are of one sequence; of several the plain mean is taken. None of error, jitter and lag means much without the other two.

`present`, (T, N) or (T,), says which points count: what was missed, and what the truth does not know, may be NaN. A
figure over several frames takes the points that are present in all of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from face1d_ros.errors import GeometryError
from face1d_ros.evaluate.tracks import Floats, Mask, Points, lengths_of, mean_over_points, pair, positive, rms_percent
from face1d_ros.geometry.topology import to_68

OUTER_EYE_CORNERS = (36, 45)
"""Of the 68 points."""
FACE_WIDTH_PX = 256.0
"""Figures in pixels are of a face this wide."""
MOVING = 0.001
"""A frame is moving if its landmarks have moved by this part of the face's size (root mean square)."""
LIMITS_PERCENT = (8.0, 10.0)
"""Up to which errors the cumulative curve is looked at."""
SMOOTHING_FRAMES, SMOOTHING_ORDER = 9, 3
"""Of the Savitzky–Golay filter that stands in for a truth on real video."""


def nme_percent(predicted: Points, truth: Points, present: Mask | None = None) -> float:
    """100 · mean over t, i of ‖p − g‖ / √(box width · box height)."""
    errors, counted = _box_errors(predicted, truth, present)
    return mean_over_points(errors, counted)


def nrmse_percent(predicted: Points, truth: Points, present: Mask | None = None) -> float:
    """100 · mean over t, i of ‖p − g‖ / distance of the outer eye corners; of 68, 468 or 478 points."""
    errors, counted = _eye_errors(predicted, truth, present)
    return mean_over_points(errors, counted)


def frame_nme_percent(predicted: Points, truth: Points, present: Mask | None = None) -> Floats:
    """(T,) the NME of each frame; infinite where no point counts, so that a missed face is a failure."""
    return _each_frame(*_box_errors(predicted, truth, present))


def frame_nrmse_percent(predicted: Points, truth: Points, present: Mask | None = None) -> Floats:
    """(T,) the NRMSE of each frame; infinite where no point counts."""
    return _each_frame(*_eye_errors(predicted, truth, present))


def area_under_curve(errors_percent: ArrayLike, limit_percent: float) -> float:
    """The area under the cumulative curve of the errors up to the limit, divided by the limit: 0 to 1.

    The curve is the share of frames with that error or less; its area is exact, without any grid. An infinite error
    (a missed face) never counts.
    """
    errors = _errors(errors_percent, limit_percent)
    return float(np.clip(limit_percent - errors, 0.0, None).mean() / limit_percent)


def failure_rate(errors_percent: ArrayLike, limit_percent: float) -> float:
    """Share of frames whose error is above the limit."""
    return float((_errors(errors_percent, limit_percent) > limit_percent).mean())


def sta1_percent(predicted: Points, truth: Points | None = None, present: Mask | None = None) -> float:
    """100 · mean over t of √(mean over i of ‖p_t − (p_t−1 + p_t+1) / 2‖²) / size_t; T from 3."""
    both = pair(predicted, truth, present, 3)
    p = both.p
    return rms_percent(p[1:-1] - (p[:-2] + p[2:]) / 2.0, both.over(3), both.size[1:-1])


def sta2_percent(predicted: Points, truth: Points | None = None, present: Mask | None = None) -> float:
    """As sta1, with the distance to p_t−1 → p_t+1 in place of the middle, at one place q a frame; T from 3.

    q = clip(⟨p_t − p_t−1, d⟩ / ‖d‖², 0, 1) with d = p_t+1 − p_t−1, products over all landmarks; 0 where d is 0.
    """
    both = pair(predicted, truth, present, 3)
    p, counted = both.p, both.over(3)
    way, way_there = (np.where(counted[..., None], p[end:][: len(counted)] - p[:-2], 0.0) for end in (2, 1))
    length = (way * way).sum(axis=(1, 2))
    q = np.clip((way_there * way).sum(axis=(1, 2)) / np.where(length > 0.0, length, 1.0), 0.0, 1.0)
    return rms_percent(way_there - q[:, None, None] * way, counted, both.size[1:-1])


def stability_percent(predicted: Points, truth: Points, present: Mask | None = None) -> float:
    """100 · mean over t of √(mean over i of ‖(p_t − p_t−1) − (g_t − g_t−1)‖²) / size_t; T from 2."""
    both = pair(predicted, truth, present, 2)
    return rms_percent(np.diff(both.p - both.g, axis=0), both.over(2), both.size[1:])


def lag_frames(predicted: Points, truth: Points, present: Mask | None = None) -> float:
    """Mean over moving frames of ⟨p_t − g_t, g_t−1 − g_t⟩ / ‖g_t−1 − g_t‖²: 0 on time, + behind; T from 2.

    Products over all landmarks. NaN where no frame is `MOVING`.
    """
    both = pair(predicted, truth, present, 2)
    counted = both.over(2)
    back = np.where(counted[..., None], both.g[:-1] - both.g[1:], 0.0)
    squared, number = (back * back).sum(axis=(1, 2)), counted.sum(axis=1)
    seen = number > 0
    moving = np.zeros_like(seen)
    moving[seen] = np.sqrt(squared[seen] / number[seen]) > MOVING * both.size[1:][seen]
    if not moving.any():
        return float("nan")
    along = ((both.p - both.g)[1:] * back).sum(axis=(1, 2))
    return float((along[moving] / squared[moving]).mean())


def jitter_px(predicted: Points, truth: Points, present: Mask | None = None) -> float:
    """Mean over t, i of ‖(p_t − p_t−1) − (g_t − g_t−1)‖ for a face 256 px wide; T from 2."""
    both = pair(predicted, truth, present, 2)
    return _mean_px(np.diff(both.p - both.g, axis=0), both.box[1:], both.over(2))


def acceleration_px(predicted: Points, truth: Points, present: Mask | None = None) -> float:
    """Mean over t, i of ‖second difference of p − second difference of g‖ for a face 256 px wide; T from 3."""
    both = pair(predicted, truth, present, 3)
    return _mean_px(np.diff(both.p - both.g, n=2, axis=0), both.box[1:-1], both.over(3))


def landmark_motion(predicted: Points, truth: Points, present: Mask | None = None) -> dict[str, float]:
    """All figures of one sequence (T, N, 2), T from 3."""
    return {
        "nrmse_percent": nrmse_percent(predicted, truth, present),
        "nme_percent": nme_percent(predicted, truth, present),
        "stability_percent": stability_percent(predicted, truth, present),
        "jitter_px": jitter_px(predicted, truth, present),
        "sta1_percent": sta1_percent(predicted, truth, present),
        "sta2_percent": sta2_percent(predicted, truth, present),
        "acceleration_px": acceleration_px(predicted, truth, present),
        "lag_frames": lag_frames(predicted, truth, present),
    }


def cumulative_errors(errors_percent: ArrayLike) -> dict[str, float]:
    """Area under the cumulative curve and share of failures, for each of `LIMITS_PERCENT`."""
    found: dict[str, float] = {}
    for limit in LIMITS_PERCENT:
        found[f"auc_{limit:g}"] = area_under_curve(errors_percent, limit)
        found[f"fr_{limit:g}"] = failure_rate(errors_percent, limit)
    return found


def pseudo_truth(raw: Points, present: Mask | None = None) -> Floats:
    """(T, N, 2) the raw track of real video, smoothed offline and without phase; T from 9.

    Savitzky–Golay, window 9, order 3. Each point is smoothed over each stretch of at least 9 frames in which it is
    present, and NaN elsewhere.
    """
    both = pair(raw, None, present, SMOOTHING_FRAMES)
    smooth = np.full(both.p.shape, np.nan)
    patterns, pattern_of = np.unique(both.present, axis=1, return_inverse=True)
    for index, pattern in enumerate(patterns.T):
        points = np.flatnonzero(pattern_of.ravel() == index)
        for start, end in _stretches(pattern):
            track = both.p[start:end, points]
            smooth[start:end, points] = _fitted(track)
    if not np.isfinite(smooth).any():
        raise GeometryError("landmarks", "no point present in 9 frames in a row", "one at least")
    return smooth


def pseudo_lag_frames(predicted: Points, raw: Points, present: Mask | None = None) -> float:
    """The lag behind `pseudo_truth` of the raw track, for real video without a truth; T from 9."""
    smooth = pseudo_truth(raw, present)
    return lag_frames(predicted, smooth, np.isfinite(smooth).all(axis=2))


def pseudo_error_percent(predicted: Points, raw: Points, present: Mask | None = None) -> float:
    """The NME against `pseudo_truth` of the raw track, with that one's box, for real video; T from 9."""
    smooth = pseudo_truth(raw, present)
    return nme_percent(predicted, smooth, np.isfinite(smooth).all(axis=2))


def _fitted(track: Floats) -> Floats:
    """(T, …) each frame as the cubic has it that fits the 9 frames around it best; at both ends, the first and last 9.

    As `scipy.signal.savgol_filter` does; to import that takes a second, which every short report would pay.
    """
    powers = np.vander(np.arange(SMOOTHING_FRAMES) - SMOOTHING_FRAMES // 2, SMOOTHING_ORDER + 1).astype(np.float64)
    fit = powers @ np.linalg.pinv(powers)
    half = SMOOTHING_FRAMES // 2
    around = np.lib.stride_tricks.sliding_window_view(track, SMOOTHING_FRAMES, axis=0)
    first, last = (np.tensordot(fit, part, 1) for part in (track[:SMOOTHING_FRAMES], track[-SMOOTHING_FRAMES:]))
    return np.concatenate([first[:half], around @ fit[half], last[-half:]])


def _box_errors(predicted: Points, truth: Points, present: Mask | None) -> tuple[Floats, Mask]:
    """(T, N) errors in percent, 0 where they do not count, and which do."""
    both = pair(predicted, truth, present)
    root = np.sqrt(both.box.prod(axis=1))
    return 100.0 * _divided(lengths_of(both.p - both.g), root, both.over(1)), both.over(1)


def _eye_errors(predicted: Points, truth: Points, present: Mask | None) -> tuple[Floats, Mask]:
    both = pair(predicted, truth, present)
    counted = both.over(1)
    right, left = (to_68(np.asarray(truth, np.float64))[:, corner] for corner in OUTER_EYE_CORNERS)
    distance = positive(lengths_of(left - right), counted.any(axis=1))
    return 100.0 * _divided(lengths_of(both.p - both.g), distance, counted), counted


def _divided(values: Floats, unit: Floats, counted: Mask) -> Floats:
    """(T, N) by (T,); 0 where it does not count."""
    return np.divide(values, unit[:, None], out=np.zeros_like(values), where=counted)


def _each_frame(errors: Floats, counted: Mask) -> Floats:
    number = counted.sum(axis=1)
    return np.divide(errors.sum(axis=1), number, out=np.full(len(number), np.inf), where=number > 0)


def _errors(errors_percent: ArrayLike, limit_percent: float) -> Floats:
    errors = np.asarray(errors_percent, np.float64)
    if errors.ndim != 1 or not errors.size or np.isnan(errors).any() or (errors < 0.0).any():
        came = f"shape {errors.shape}" if errors.ndim != 1 or not errors.size else "NaN or negative values"
        raise GeometryError("errors in percent", came, "(frames,) of at least one frame, 0 and more, inf for missed")
    if not limit_percent > 0.0:
        raise GeometryError("limit in percent", limit_percent, "more than 0")
    return errors


def _mean_px(vectors: Floats, box: Floats, counted: Mask) -> float:
    """Mean length of (T, N, 2), each frame scaled to a face 256 px wide."""
    return mean_over_points(FACE_WIDTH_PX * _divided(lengths_of(vectors), box[:, 0], counted), counted)


def _stretches(present: Any) -> list[tuple[int, int]]:
    """First frame and the one after the last of each stretch of (T,) that is long enough to be smoothed."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], present, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2) if b - a >= SMOOTHING_FRAMES]
