"""The landmarks of a face model alone, fast enough to make millions of frames of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import GeometryError
from face1d_ros.geometry import tables
from face1d_ros.geometry.topology import indices_in
from face1d_ros.synth.faces.eyes import IRISES, Eyeball, fit_eyeballs, implied_gaze, iris_points, margins, shut_share
from face1d_ros.synth.faces.model import FaceModel, named_expression
from face1d_ros.synth.faces.model_arrays import EYE_CORNERS
from face1d_ros.types import Topology

Floats: TypeAlias = NDArray[np.float32]
STRAIGHT = np.zeros((1, 2), np.float32)


@dataclass(frozen=True, eq=False)
class PointModel:
    """N points of a linear face model with I identity and K expression coefficients; mm, facing frame."""

    topology: Topology
    mean_mm: Floats
    """(N, 3). Irises, where the topology has them, look straight ahead."""
    identity_mm: Floats
    """(I, N, 3). Irises move with the lid margins."""
    expression_mm: Floats
    """(K, N, 3). Irises stay."""
    expression_names: tuple[str, ...]
    source_name: str
    source_sha256: str
    """Of the face model, to tell what a corpus was made from."""
    eyeball: Eyeball | None
    """None where the topology has no irises."""

    def expression_index(self, name: str) -> int:
        """Where a named expression stands; a clear refusal where the model has no such name."""
        return named_expression(self.source_name, self.expression_names, name)

    def neutral(self, identity: Floats) -> Floats:
        """(N, 3) of a person, identity (I,), at rest, looking straight ahead."""
        weights = _finite("identity", identity, (len(self.identity_mm),))
        flat = self.identity_mm.reshape(len(self.identity_mm), self.mean_mm.size)
        points: Floats = self.mean_mm + (weights @ flat).reshape(self.mean_mm.shape)
        return points - points[self._corners()].mean(axis=0)

    def shape(self, identity: Floats, expression: Floats, gaze_rad: Floats | None = None) -> Floats:
        """(T, N, 3) mm in the facing frame of that person: the origin is between its outer eye corners at rest.

        identity (I,) in standard deviations, expression (T, K), gaze_rad (T, 2) yaw and pitch of both eyes, signs as
        for the head. Lids move with the expression alone, irises with gaze and, a little, with the lids. Without
        gaze_rad the eyes turn as far as the eyeLook coefficients say.
        """
        neutral = self.neutral(identity)
        frames = len(expression)
        weights = _finite("expression", expression, (frames, len(self.expression_mm)))
        flat = self.expression_mm.reshape(len(self.expression_mm), neutral.size)
        points: Floats = (weights @ flat).reshape(frames, *neutral.shape)
        points += neutral
        if self.eyeball is not None:
            if gaze_rad is None:
                gaze = implied_gaze(weights, self.expression_names)
            else:
                gaze = _finite("gaze", gaze_rad, (frames, 2))
            self._turn_eyes(self.eyeball, neutral, points, gaze)
        return points

    def _turn_eyes(self, eyeball: Eyeball, neutral: Floats, points: Floats, gaze_rad: Floats) -> None:
        ahead = iris_points(eyeball, np.zeros((2, 3), np.float32), STRAIGHT, STRAIGHT)
        middles = np.stack([neutral[iris.start] - at[0, 0] for iris, at in zip(IRISES, ahead, strict=True)])
        turned = iris_points(eyeball, middles, gaze_rad, shut_share(neutral, points))
        for iris, place in zip(IRISES, turned, strict=True):
            points[:, iris] = place

    def _corners(self) -> list[int]:
        """The outer eye corners among the points."""
        if self.topology is Topology.FACE_68:
            return list(EYE_CORNERS)
        return [tables.MESH_TO_68[corner] for corner in EYE_CORNERS]


def point_model(model: FaceModel, topology: int = 478) -> PointModel:
    """The points of a topology (478, 468 or 68) of a face model.

    The 68 are those of `to_68`, as everywhere in this package, not the model's own: the two differ along the jaw.
    """
    kind = _topology(topology)
    anchors = model.landmarks_478.take(indices_in(kind, Topology.MESH_478))
    mean, identity, expression = (
        np.ascontiguousarray(anchors.on(array), np.float32)
        for array in (model.mean_mm, model.identity_mm, model.expression_mm)
    )
    eyeball = None
    if kind is Topology.MESH_478:
        eyeball, middles = fit_eyeballs(mean)
        ahead = iris_points(eyeball, middles.astype(np.float32), STRAIGHT, STRAIGHT)
        for eye, iris in enumerate(IRISES):
            mean[iris] = ahead[eye][0]
            identity[:, iris] = margins(identity)[:, eye].mean(axis=1)[:, None]
        expression[:, IRISES[0].start :] = 0.0
    for array in (mean, identity, expression):
        array.flags.writeable = False
    return PointModel(kind, mean, identity, expression, model.expression_names, model.name, model.sha256, eyeball)


def _topology(count: int) -> Topology:
    kinds = {int(kind): kind for kind in (Topology.FACE_68, Topology.MESH_468, Topology.MESH_478)}
    if int(count) not in kinds:
        raise GeometryError("topology", count, "478, 468 or 68 points")
    return kinds[int(count)]


def _finite(what: str, values: Floats, shape: tuple[int, ...]) -> Floats:
    array = np.ascontiguousarray(values, np.float32)
    if array.shape != shape:
        raise GeometryError(what, f"shape {array.shape}", str(shape))
    if not np.isfinite(array).all():
        raise GeometryError(what, "values that are not finite", "finite coefficients")
    return array
