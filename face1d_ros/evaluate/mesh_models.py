"""The contenders of `face1d evaluate mesh`: closed form, and bundles as an engine runs them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face1d_ros.engines.engine import Engine
from face1d_ros.evaluate.mesh import Found, Shown
from face1d_ros.geometry.mesh_fit import MeshFitter, PointBasis, Prior
from face1d_ros.geometry.pose import pose_points
from face1d_ros.synth.faces.eyes import IRISES
from face1d_ros.synth.faces.point_model import PointModel
from face1d_ros.types import FloatArray, Topology

RIDGE_ERROR_MM = 16.0
"""Of a landmark's coordinate, beside a coefficient of 1: the ridge parameter."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ClosedForm:
    """Each frame by itself; identities of all frames count alike."""

    fitter: MeshFitter

    def __call__(self, shown: Shown) -> Found:
        """Pose and coefficients in turn."""
        fit = self.fitter.fit(shown.aligned.points_cm, shown.confidence)
        identity = fit.coefficients[:, : self.fitter.basis.identity].astype(np.float32)
        return Found(
            identity,
            np.ones_like(identity),
            fit.coefficients[:, self.fitter.basis.identity :].astype(np.float32),
            shown.aligned.pose.rotation @ fit.pose.rotation,
        )


@dataclass(frozen=True, eq=False)
class Network:
    """A bundle, frame by frame, with its memory."""

    engine: Engine

    def __call__(self, shown: Shown) -> Found:
        """From an empty memory."""
        session = self.engine.session(1)
        given = {
            "aligned": shown.aligned.points_cm.astype(np.float32),
            "turn": shown.aligned.turn_rad.astype(np.float32),
            "confidence": shown.confidence,
            "dt": shown.dt_s,
        }
        frames: dict[str, list[FloatArray]] = {
            name: [] for name in ("identity", "identity_log_variance", "expression", "rotation_correction")
        }
        for index in range(len(shown.dt_s)):
            for name, array in given.items():
                session.inputs[name][:] = array[index]
            session.run()
            for name, values in frames.items():
                values.append(session.outputs[name][0].copy())
        found = {name: np.stack(values) for name, values in frames.items()}
        return Found(
            found["identity"],
            np.exp(found["identity_log_variance"]),
            found["expression"],
            shown.aligned.pose.rotation @ rotations_of(found["rotation_correction"]),
        )


def ridge(points: PointModel, error_mm: float = RIDGE_ERROR_MM) -> ClosedForm:
    """Every coefficient alike, every landmark alike but the irises, which no linear model moves."""
    basis = basis_of(points)
    weights = np.zeros(len(basis.mean_mm))
    weights[pose_points(points.topology)[0]] = 1.0
    weights = 0.05 + weights
    if points.topology is Topology.MESH_478:
        weights[IRISES[0].start :] = 0.0
    return ClosedForm(MeshFitter(basis, Prior.ridge(len(basis.shapes_mm)), error_mm, weights))


def basis_of(points: PointModel) -> PointBasis:
    """A face model's landmarks with all its coefficients."""
    shapes = np.concatenate([points.identity_mm, points.expression_mm])
    return PointBasis(points.mean_mm.astype(np.float64), shapes.astype(np.float64), len(points.identity_mm))


def rotations_of(vectors: FloatArray) -> Floats:
    """(T, 3) axis times angle to (T, 3, 3), by Rodrigues."""
    given = np.asarray(vectors, np.float64)
    angle = np.linalg.norm(given, axis=1)[:, None, None]
    cross = np.zeros((len(given), 3, 3))
    x, y, z = given.T
    cross[:, 0, 1], cross[:, 0, 2], cross[:, 1, 2] = -z, y, -x
    cross -= cross.swapaxes(1, 2)
    # np.sinc is sin(πx) / (πx): both factors stay finite at an angle of 0.
    first = np.sinc(angle / np.pi)
    second = 0.5 * np.sinc(angle / (2.0 * np.pi)) ** 2
    found: Floats = np.eye(3) + first * cross + second * (cross @ cross)
    return found
