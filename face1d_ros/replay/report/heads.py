"""Head pose, coefficients and asymmetry of the mesh stage's results."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from face1d_ros.geometry.asymmetry_signals import REGIONS
from face1d_ros.geometry.pose import yaw_pitch_roll_rad
from face1d_ros.replay.report.binned import Group, Line
from face1d_ros.replay.report.content import LOWER, Figure
from face1d_ros.replay.report.tracks import TrackBook
from face1d_ros.stages.mesh_pose import TO_ROS
from face1d_ros.types import FaceMesh, FaceMeshArray, Side

AXES = ("yaw", "pitch", "roll")
POSE = Group(
    "pose",
    (
        *(Line(f"pose.{axis}_deg", axis, "°") for axis in AXES),
        Line("pose.distance_m", "distance from the camera", "m"),
    ),
)
FIT = Group(
    "fit",
    (
        Line("mesh.quality", "quality of the fit"),
        Line("mesh.residual_px", "residual of the fit", "px"),
        Line("mesh.anomaly", "unusual motion", "σ"),
    ),
)
ASYMMETRY = Group(
    "asymmetry",
    (
        Line("asymmetry.overall", "overall"),
        *(Line(f"asymmetry.motion.{region}", f"motion, {region}") for region in REGIONS),
        *(Line(f"asymmetry.position.{region}", f"position, {region}") for region in REGIONS),
    ),
)
NEIGHBOUR_NS = 250_000_000
"""Poses further apart by their stamps are not compared."""
SIDES = {Side.NONE: "none", Side.LEFT: "left", Side.RIGHT: "right"}


class Heads:
    """Of all faces."""

    def __init__(self, book: TrackBook) -> None:
        self._book = book
        self._coefficients: Group | None = None
        self._low, self._high = np.full(4, np.inf), np.full(4, -np.inf)
        self._largest_step_deg = 0.0
        self._steps = 0
        self._last: dict[int, tuple[int, NDArray[np.float64]]] = {}
        self._sums, self._counts = np.zeros(len(ASYMMETRY.lines)), np.zeros(len(ASYMMETRY.lines))
        self._sides: Counter[Side] = Counter()

    def take(self, frame: FaceMeshArray, t_s: float) -> None:
        """The next frame."""
        if self._coefficients is None and frame.expression_names:
            lines = (Line(f"coefficient.{name}", name) for name in frame.expression_names)
            self._coefficients = Group("coefficients", tuple(lines), coarse=True)
        for face in frame.faces:
            self._pose(face, frame.header.stamp_ns, t_s)
            self._book.add(face.track_id, FIT, t_s, [face.quality, face.residual_px, face.anomaly])
            if self._coefficients is not None and len(face.expression) == len(self._coefficients.lines):
                self._book.add(face.track_id, self._coefficients, t_s, face.expression)
            self._asymmetry(face, t_s)

    def forget(self, track_id: int) -> None:
        """The track has ended."""
        self._last.pop(track_id, None)

    def figures(self) -> list[Figure]:
        """Nothing where there was no face."""
        found: list[Figure] = []
        for place, line in enumerate(POSE.lines):
            if self._low[place] <= self._high[place]:
                axis, unit = line.key.rsplit("_", 1)
                found += [
                    Figure(f"{axis}_lowest_{unit}", f"{line.name}, lowest", float(self._low[place]), line.unit),
                    Figure(f"{axis}_highest_{unit}", f"{line.name}, highest", float(self._high[place]), line.unit),
                ]
        if self._steps:
            step = self._largest_step_deg
            found.append(Figure("pose.largest_step_deg", "largest turn from frame to frame", step, "°", LOWER))
        return found + self._asymmetry_figures()

    def _pose(self, face: FaceMesh, stamp_ns: int, t_s: float) -> None:
        turn = head_turn(face.pose.orientation)
        if turn is None:
            return
        angles_deg = np.degrees(yaw_pitch_roll_rad(turn))
        values = np.append(angles_deg, np.linalg.norm(face.pose.position))
        self._book.add(face.track_id, POSE, t_s, values)
        self._low, self._high = np.fmin(self._low, values), np.fmax(self._high, values)
        if not face.track_id:
            return
        before = self._last.get(face.track_id)
        self._last[face.track_id] = (stamp_ns, turn)
        if before is not None and 0 < stamp_ns - before[0] <= NEIGHBOUR_NS:
            self._steps += 1
            self._largest_step_deg = max(self._largest_step_deg, turned_deg(before[1], turn))

    def _asymmetry(self, face: FaceMesh, t_s: float) -> None:
        told = face.asymmetry
        values = np.concatenate([[told.overall], told.motion, told.position])
        known = np.isfinite(values)
        if known.any():
            self._book.add(face.track_id, ASYMMETRY, t_s, values)
            self._sums += np.where(known, values, 0.0)
            self._counts += known
        self._sides[told.weaker_side] += told.weaker_side is not Side.UNKNOWN

    def _asymmetry_figures(self) -> list[Figure]:
        found = [
            Figure(line.key, f"asymmetry, {line.name}", float(total / count))
            for line, total, count in zip(ASYMMETRY.lines, self._sums, self._counts, strict=True)
            if count
        ]
        told = sum(self._sides.values())
        if told:
            found += [
                Figure(
                    f"asymmetry.weaker_{name}_percent", f"weaker side: {name}", 100.0 * self._sides[side] / told, "%"
                )
                for side, name in SIDES.items()
            ]
        return found


def head_turn(orientation: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """(3, 3) from the head's facing frame to the camera, of a published (4,) x y z w; None where it is unknown."""
    length = math.sqrt(float(orientation @ orientation))
    if not 0.0 < length < math.inf:
        return None
    x, y, z, w = (orientation / length).tolist()
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    turned: NDArray[np.float64] = (np.eye(3) + 2.0 * w * cross + 2.0 * cross @ cross) @ TO_ROS.T
    return turned


def turned_deg(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Angle from one rotation (3, 3) to the other."""
    cosine = (float(np.einsum("ij,ij->", a, b)) - 1.0) / 2.0
    return math.degrees(math.acos(min(max(cosine, -1.0), 1.0)))
