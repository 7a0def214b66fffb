"""What smoothing costs without a truth: smoothed landmarks against the raw ones smoothed offline, without phase.

Pseudo-lag and pseudo-error are those of `evaluate.metrics`, computed over a few dozen frames of a track at a time.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import GeometryError
from face1d_ros.evaluate.metrics import SMOOTHING_FRAMES, pseudo_truth
from face1d_ros.replay.report.content import LOWER, NEITHER, Figure
from face1d_ros.replay.report.motion_errors import BEFORE, Errors
from face1d_ros.types import FaceLandmarksArray, TrackState

CHUNK = 64
"""Frames that are measured at a time."""
EDGE = SMOOTHING_FRAMES // 2
"""Frames on either side that the offline smoothing looks at."""
WAITING = 64
"""Raw frames that wait for their smoothed ones."""
GAP_NS = 1_000_000_000
"""Frames further apart by their stamps are not neighbours."""
Points = NDArray[np.float32]


@dataclass
class Both:
    """Frames in a row of a track, raw and smoothed."""

    number: int
    """Of its newest frame."""
    stamp_ns: int
    raw: list[Points] = field(default_factory=list)
    smoothed: list[Points] = field(default_factory=list)
    measured: int = 0
    """How many of them were measured already."""


class PseudoErrors:
    """Of all faces that both landmark topics have."""

    def __init__(self) -> None:
        self._errors = Errors(only_error_and_lag=True)
        self._raw: OrderedDict[int, FaceLandmarksArray] = OrderedDict()
        self._number = 0
        self._tracks: dict[int, Both] = {}

    def take_raw(self, frame: FaceLandmarksArray) -> None:
        """The next frame as detected."""
        self._raw[frame.header.stamp_ns] = frame
        if len(self._raw) > WAITING:
            self._raw.popitem(last=False)

    def take_smoothed(self, frame: FaceLandmarksArray) -> None:
        """The next smoothed frame, at once or later than the raw one of its stamp."""
        self._number += 1
        raw = self._raw.pop(frame.header.stamp_ns, None)
        if raw is None:
            return
        detected = {face.track_id: face.points[:, :2] for face in raw.faces if face.track_id}
        for face in frame.faces:
            points = detected.get(face.track_id)
            if points is not None and face.state is not TrackState.BRIDGED and len(points) == len(face.points):
                self._add(face.track_id, frame.header.stamp_ns, points, face.points[:, :2])

    def forget(self, track_id: int) -> None:
        """The track has ended."""
        both = self._tracks.pop(track_id, None)
        if both is not None:
            self._measure(both, len(both.raw))

    def figures(self) -> list[Figure]:
        """Nothing where no track was long enough."""
        lag, error = (self._errors.value(key) for key in ("lag_frames", "nme_percent"))
        if error is None:
            return []
        key, off = "stability.smoothed", None if lag is None else abs(lag)
        return [
            Figure(f"{key}.pseudo_error_percent", "pseudo-error, smoothed", error, "%", LOWER),
            Figure(f"{key}.pseudo_lag_frames", "pseudo-lag, smoothed", lag, "frames", NEITHER),
            Figure(f"{key}.abs_pseudo_lag_frames", "pseudo-lag without its sign, smoothed", off, "frames", LOWER),
        ]

    def _add(self, track_id: int, stamp_ns: int, raw: Points, smoothed: Points) -> None:
        both = self._tracks.get(track_id)
        if both is not None:
            in_a_row = self._number == both.number + 1 and 0 < stamp_ns - both.stamp_ns <= GAP_NS
            if not in_a_row or raw.shape != both.raw[-1].shape:
                self.forget(track_id)
                both = None
        if both is None:
            both = self._tracks[track_id] = Both(self._number, stamp_ns)
        both.number, both.stamp_ns = self._number, stamp_ns
        both.raw.append(raw)
        both.smoothed.append(smoothed)
        if len(both.raw) >= CHUNK + 2 * EDGE + BEFORE:
            end = len(both.raw) - EDGE
            self._measure(both, end)
            left = end - EDGE - BEFORE
            del both.raw[:left], both.smoothed[:left]
            both.measured = end - left

    def _measure(self, both: Both, end: int) -> None:
        """Frames up to this one, of those that were not measured yet."""
        if len(both.raw) < SMOOTHING_FRAMES or end <= both.measured:
            return
        raw, smoothed = np.stack(both.raw), np.stack(both.smoothed)
        try:
            truth = pseudo_truth(raw, np.isfinite(raw).all(axis=2)).astype(np.float32)
        except GeometryError:  # no point known long enough, or a face without extent
            return
        begin = max(both.measured - BEFORE, 0)
        self._errors.add(smoothed[begin:end], truth[begin:end], both.measured - begin)
