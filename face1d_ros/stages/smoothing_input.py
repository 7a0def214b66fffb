"""What a smoother may be given: which faces are refused and why, and how far each landmark can be trusted."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from face1d_ros.types import FaceLandmarks, FloatArray, Topology, TrackState, no_values

FURTHEST_PX = 1e5
"""From the image's corner: no camera has a landmark there."""
NOT_FINITE = "landmarks not finite"
TOO_FAR = "landmarks too far away"
WRONG_COUNT = "number of landmarks"
NO_EXTENT = "no extent"
UNKNOWN_TOPOLOGY = "unknown topology"
BAD_CONFIDENCE = "confidence not from 0 to 1"
ROUNDING = 1e-3
"""So far beyond 0 and 1 a confidence is still taken for one."""


def refusal(face: FaceLandmarks) -> str:
    """Why this face cannot be used; '' if it can. A number that is no number does not pass any comparison."""
    points = face.points
    if face.topology is Topology.UNKNOWN:
        return UNKNOWN_TOPOLOGY
    if points.shape != (int(face.topology), 3):
        return WRONG_COUNT
    low, high = _corners(points)
    if not all(-FURTHEST_PX <= value <= FURTHEST_PX for value in (*low, *high)):
        return TOO_FAR if np.isfinite(points).all() else NOT_FINITE
    if len(face.point_confidence) not in (0, len(points)):
        return WRONG_COUNT
    if not _are_confidences(face):
        return BAD_CONFIDENCE
    return "" if high[0] > low[0] or high[1] > low[1] else NO_EXTENT


def box_of(points: FloatArray) -> FloatArray:
    """(4,) x y width height of the box around landmarks (N, 3)."""
    (left, top, _), (right, bottom, _) = _corners(points)
    return np.array([left, top, right - left, bottom - top], np.float32)


def size_px(points: FloatArray) -> float:
    """Of landmarks (N, 3): the larger side of their box."""
    (left, top, _), (right, bottom, _) = _corners(points)
    return max(right - left, bottom - top)


def confidences(face: FaceLandmarks) -> FloatArray | float:
    """(N,) from 0 to 1, or one for all landmarks: that of the face where theirs are unknown, 1 where that is, too."""
    whole = _known(face.confidence)
    each = face.point_confidence
    if len(each) != len(face.points):
        return whole
    if is_within(each, 0.0, 1.0):
        return each
    return np.clip(np.where(np.isnan(each), np.float32(whole), each), 0.0, 1.0)


def each_confidence(face: FaceLandmarks) -> FloatArray:
    """(N,) as `confidences` has them, one for each landmark."""
    sure = confidences(face)
    return sure if isinstance(sure, np.ndarray) else np.full(len(face.points), sure, np.float32)


def bridged(face: FaceLandmarks, unseen_s: float, bridge_s: float) -> FaceLandmarks:
    """A face as it was seen last, for a moment in which it is not; its landmarks are still to be predicted.

    Confidence falls evenly to 0 at the end of the bridge, from 1 where it was unknown.
    """
    left = max(0.0, 1.0 - unseen_s / bridge_s)
    return dataclasses.replace(
        face,
        state=TrackState.BRIDGED,
        confidence=_known(face.confidence) * left,
        point_confidence=face.point_confidence * np.float32(left),
        blendshapes=no_values(),
        tracked_s=face.tracked_s + unseen_s,
    )


def with_points(face: FaceLandmarks, points: FloatArray, delay_s: float) -> FaceLandmarks:
    """The face with landmarks (N, 3), and the box around them."""
    return dataclasses.replace(face, points=points, box=box_of(points), delay_s=delay_s)


def is_within(values: FloatArray, low: float, high: float) -> bool:
    """Whether all lie between these, and none is NaN."""
    return bool(low <= np.minimum.reduce(values, axis=None) and np.maximum.reduce(values, axis=None) <= high)


def _corners(points: FloatArray) -> tuple[list[float], list[float]]:
    """The least and the largest x y z of landmarks (N, 3); NaN on an axis on which one is."""
    # Three contiguous rows are reduced several times faster than three columns.
    axes = points.T.copy()
    return np.minimum.reduce(axes, axis=1).tolist(), np.maximum.reduce(axes, axis=1).tolist()


def _are_confidences(face: FaceLandmarks) -> bool:
    """From 0 to 1, or NaN."""
    low, high, each = -ROUNDING, 1.0 + ROUNDING, face.point_confidence
    if face.confidence < low or face.confidence > high:
        return False
    return not len(each) or is_within(each, low, high) or not ((each < low) | (each > high)).any()


def _known(confidence: float) -> float:
    return min(1.0, max(0.0, confidence)) if math.isfinite(confidence) else 1.0
