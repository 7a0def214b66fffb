"""Eyeballs behind the lids: where their middles are, and where the irises are as they turn.

A face model's skin says nothing of eyes. The lid margin lies on the eyeball, so a sphere through its points gives the
middle and the radius; docs/face_models.md says how near that comes to the eyeballs of ICT-FaceKit's full model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from face1d_ros.geometry import tables
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.opening import LEFT_EYE_PAIRS, RIGHT_EYE_PAIRS

Floats: TypeAlias = NDArray[np.float64]
Single: TypeAlias = NDArray[np.float32]
IRISES = (slice(468, 473), slice(473, 478))
"""The person's right and left iris in the 478 points: middle first, then four points of the edge."""
EDGE = ((1.0, 0.0), (0.0, -1.0), (-1.0, 0.0), (0.0, 1.0))
"""Where the four lie from the middle, in x and y, in both eyes."""
IRIS_RADIUS_MM = 5.85
"""Much the same in everybody (diameter 11.7 ± 0.5 mm: Ablavatski et al., "Real-time Pupil Tracking", 2020)."""
RADIUS_PER_WIDTH = (0.4, 0.7)
"""Bounds for the radius of the sphere through the lid margin, as a share of the distance of the eye's corners."""
OUTWARD_RAD = 0.087
"""5°: the optical axis of an eye points outward of its line of sight (angle kappa)."""
BLINK_TURN_RAD = (0.026, 0.035)
"""Towards the nose and down while the lids are shut (1 to 2°: Collewijn et al., J. Neurophysiology 54, 1985)."""
LOOK_RAD = 0.6
"""How far an eye has turned at a coefficient of 1 of eyeLookIn, Out, Up or Down, as ARKit's own angles have it."""
LOOK_NAMES = tuple(f"eyeLook{way}_{side}" for side in "RL" for way in ("Out", "In", "Down", "Up"))


@dataclass(frozen=True)
class Eyeball:
    """Size of the eyeballs of a model's mean face; everybody gets it."""

    radius_mm: float

    @property
    def depth_mm(self) -> float:
        """From the middle of the eyeball to the plane of the iris's edge, which lies on the sphere."""
        return float(np.sqrt(max(self.radius_mm**2 - IRIS_RADIUS_MM**2, 0.0)))


def margins(points: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """(..., 468 or more, 3) points to (..., 2, 16, 3): the right and the left lid margin."""
    return points[..., _margin_indices(), :]


def fit_eyeballs(mean_mm: NDArray[np.floating[Any]]) -> tuple[Eyeball, Floats]:
    """Their common size, and (2, 3) the middles, from the mean face's points (468 or more, 3)."""
    rings = margins(mean_mm).astype(np.float64)
    widths = np.linalg.norm(rings[:, 0] - rings[:, 8], axis=1)
    fitted = [sphere(ring) for ring in rings]
    least, most = (share * float(widths.mean()) for share in RADIUS_PER_WIDTH)
    radius = float(np.clip(np.mean([size for _, size in fitted]), least, most))
    middles = []
    for ring, (middle, _) in zip(rings, fitted, strict=True):
        # With another radius than the fitted one the sphere keeps touching the middle of the margin.
        front = ring.mean(axis=0)
        away = middle - front
        reach = max(radius**2 - ((ring - front) ** 2).sum(axis=1).mean(), 0.0) ** 0.5
        middles.append(front + away / np.linalg.norm(away) * reach)
    return Eyeball(radius), np.array(middles)


def sphere(points: Floats) -> tuple[Floats, float]:
    """Middle (3,) and radius of the sphere nearest to points (N, 3), by linear least squares."""
    middle_of = points.mean(axis=0)
    local = points - middle_of
    rows = np.concatenate([2.0 * local, np.ones((len(points), 1))], axis=1)
    found, *_ = np.linalg.lstsq(rows, (local**2).sum(axis=1), rcond=None)
    radius = float(np.sqrt(max(found[3] + found[:3] @ found[:3], 0.0)))
    return middle_of + found[:3], radius


def iris_points(eyeball: Eyeball, middles_mm: Single, gaze_rad: Single, shut: Single) -> tuple[Single, Single]:
    """Right and left iris (T, 5, 3).

    From the eyeballs' middles (2, 3), gaze (T, 2) as yaw and pitch, and how far each eye is shut (T, 2), 0 to 1.
    """
    irises = []
    for eye, outward in enumerate((1.0, -1.0)):
        # Yaw is positive to the person's right: outward for the right eye.
        yaw = gaze_rad[:, 0] + np.float32(outward) * (OUTWARD_RAD - BLINK_TURN_RAD[0] * shut[:, eye])
        pitch = gaze_rad[:, 1] + BLINK_TURN_RAD[1] * shut[:, eye]
        irises.append(middles_mm[eye] + _turned(eyeball, yaw, pitch))
    return irises[0], irises[1]


def shut_share(neutral_mm: Single, points_mm: Single) -> Single:
    """(T, 2) how far the right and the left eye are shut: 0 as at rest or wider, 1 when the lids meet."""
    upper, lower = _pairs()
    rest = np.linalg.norm(neutral_mm[upper] - neutral_mm[lower], axis=-1).mean(axis=-1)
    apart = points_mm[:, upper] - points_mm[:, lower]
    gap = np.sqrt(np.einsum("tepc,tepc->tep", apart, apart)).mean(axis=-1)
    share: Single = np.clip(1.0 - gap / np.where(rest > 0.0, rest, 1.0), 0.0, 1.0).astype(np.float32)
    return share


def implied_gaze(expression: Single, names: Sequence[str]) -> Single:
    """(T, 2) yaw and pitch of both eyes, as the eyeLook coefficients say; 0 where the model has none."""
    gaze = np.zeros((len(expression), 2), np.float32)
    if not set(LOOK_NAMES) <= set(names):
        return gaze
    value = {name: expression[:, list(names).index(name)] for name in LOOK_NAMES}
    right = value["eyeLookOut_R"] - value["eyeLookIn_R"] + value["eyeLookIn_L"] - value["eyeLookOut_L"]
    down = sum(value[f"eyeLookDown_{side}"] - value[f"eyeLookUp_{side}"] for side in "RL")
    gaze[:, 0], gaze[:, 1] = 0.5 * LOOK_RAD * right, 0.5 * LOOK_RAD * down
    return gaze


def _turned(eyeball: Eyeball, yaw: Single, pitch: Single) -> Single:
    """(T, 5, 3) iris of an eyeball around the origin that is turned by Ry(yaw) Rx(pitch)."""
    sin_yaw, cos_yaw, sin_pitch, cos_pitch = np.sin(yaw), np.cos(yaw), np.sin(pitch), np.cos(pitch)
    zero = np.zeros_like(yaw)
    across = np.stack([cos_yaw, zero, -sin_yaw], axis=-1)
    downward = np.stack([sin_yaw * sin_pitch, cos_pitch, cos_yaw * sin_pitch], axis=-1)
    back = np.stack([sin_yaw * cos_pitch, -sin_pitch, cos_yaw * cos_pitch], axis=-1)
    iris = np.empty((len(yaw), 5, 3), np.float32)
    iris[:, 0] = -eyeball.depth_mm * back
    for row, (x, y) in enumerate(EDGE, start=1):
        iris[:, row] = iris[:, 0] + IRIS_RADIUS_MM * (x * across + y * downward)
    return iris


def _margin_indices() -> NDArray[np.intp]:
    right = np.array(tables.MESH_RIGHT_CURVES["eye"], np.intp)
    return np.stack([right, canonical_face().partner[right]])


def _pairs() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(2, 2) upper and lower points of the right and the left lids that meet."""
    pairs = np.array(tables.MESH_TO_68)[np.array([RIGHT_EYE_PAIRS, LEFT_EYE_PAIRS])]
    return pairs[..., 0], pairs[..., 1]
