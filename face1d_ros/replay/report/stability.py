"""How steady landmarks are, before and after smoothing: sta1 and sta2 with the predicted face's own box.

The figures are those of `evaluate.metrics`, computed over a few dozen frames of a track at a time and averaged over all
frames of all tracks. Only frames in which the face was measured count, in both: what was bridged has no raw motion.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import GeometryError
from face1d_ros.evaluate.metrics import sta1_percent, sta2_percent
from face1d_ros.replay.report.binned import Group, Line
from face1d_ros.replay.report.content import LOWER, Figure
from face1d_ros.replay.report.tracks import TrackBook
from face1d_ros.types import FaceLandmarks, FaceLandmarksArray, TrackState

CHUNK = 16
"""Frames that are measured at a time."""
GAP_NS = 1_000_000_000
"""Frames further apart by their stamps are not neighbours; nor are those after a jump."""
NAMES = {"raw": "as detected", "smoothed": "smoothed"}


@dataclass
class Stretch:
    """Frames of a track in a row that still wait to be measured."""

    frame: int
    """Number of its newest frame."""
    stamp_ns: int
    points: list[NDArray[np.float32]] = field(default_factory=list)
    """(N, 2) each."""
    t_s: list[float] = field(default_factory=list)


class Stability:
    """Of one landmark topic."""

    def __init__(self, side: str, book: TrackBook) -> None:
        self.side = side
        self.frames = 0
        """Those with a neighbour on either side."""
        self._frame = 0
        self._sums = np.zeros(2)
        self._stretches: dict[int, Stretch] = {}
        self._book = book
        names = (f"{name}, {NAMES[side]}" for name in ("sta1", "sta2"))
        keys = (f"stability.{side}.{key}" for key in ("sta1_percent", "sta2_percent"))
        self._group = Group(side, tuple(Line(key, name, "%") for key, name in zip(keys, names, strict=True)))

    def take(self, frame: FaceLandmarksArray, t_s: float) -> None:
        """The next frame."""
        self._frame += 1
        for face in frame.faces:
            if face.track_id and face.state is not TrackState.BRIDGED and len(face.points):
                self._take(face, frame.header.stamp_ns, t_s)

    def forget(self, track_id: int) -> None:
        """The track has ended."""
        stretch = self._stretches.pop(track_id, None)
        if stretch is not None:
            self._measure(track_id, stretch)

    def means(self) -> tuple[float | None, float | None]:
        """sta1 and sta2 in percent; None where nothing was measured."""
        if not self.frames:
            return None, None
        first, second = (self._sums / self.frames).tolist()
        return first, second

    def figures(self) -> list[Figure]:
        """Of this topic."""
        return [
            Figure(line.key, line.name, value, "%", LOWER)
            for line, value in zip(self._group.lines, self.means(), strict=True)
        ]

    def _take(self, face: FaceLandmarks, stamp_ns: int, t_s: float) -> None:
        stretch = self._stretches.get(face.track_id)
        if stretch is not None and not self._follows(stretch, face, stamp_ns):
            self.forget(face.track_id)
            stretch = None
        if stretch is None:
            stretch = self._stretches[face.track_id] = Stretch(self._frame, stamp_ns)
        stretch.frame, stretch.stamp_ns = self._frame, stamp_ns
        stretch.points.append(face.points[:, :2])
        stretch.t_s.append(t_s)
        if len(stretch.points) == CHUNK + 2:
            self._measure(face.track_id, stretch)
            del stretch.points[:-2], stretch.t_s[:-2]

    def _follows(self, stretch: Stretch, face: FaceLandmarks, stamp_ns: int) -> bool:
        in_a_row = self._frame == stretch.frame + 1 and 0 < stamp_ns - stretch.stamp_ns <= GAP_NS
        return in_a_row and len(face.points) == len(stretch.points[-1])

    def _measure(self, track_id: int, stretch: Stretch) -> None:
        if len(stretch.points) < 3:
            return
        points = np.stack(stretch.points)
        present = np.isfinite(points).all(axis=2)
        counted = int((present[:-2] & present[1:-1] & present[2:]).any(axis=1).sum())
        try:
            values = sta1_percent(points, None, present), sta2_percent(points, None, present)
        except GeometryError:  # nothing known in three frames in a row, or a face without extent
            return
        self.frames += counted
        self._sums += np.array(values) * counted
        self._book.add(track_id, self._group, stretch.t_s[len(stretch.t_s) // 2], values)


def ratio_figures(raw: Stability, smoothed: Stability) -> list[Figure]:
    """What smoothing has left of the motion between neighbouring frames."""
    found = []
    for name, before, after in zip(("sta1", "sta2"), raw.means(), smoothed.means(), strict=True):
        value = after / before if before and after is not None else None
        found.append(Figure(f"stability.ratio.{name}", f"{name}, smoothed over raw", value, "", LOWER))
    return found
