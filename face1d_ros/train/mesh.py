"""Training of networks that read a face model's coefficients from single frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from face1d_ros.errors import CorpusError
from face1d_ros.geometry.canonical import vertex_normals
from face1d_ros.geometry.curve_order import curves_first
from face1d_ros.geometry.mesh_alignment import align_to_canonical
from face1d_ros.geometry.pose import pose_points
from face1d_ros.nets.families import make_network
from face1d_ros.nets.mesh_network import PATCH, MeshNetwork
from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.synth.faces.model import FaceModel
from face1d_ros.synth.faces.point_model import PointModel
from face1d_ros.train.mesh_frames import Batch, Frames, FrameStream, batch_of, frames_of
from face1d_ros.train.recipe import Recipe
from face1d_ros.train.steadied import SteadiedCorpus
from face1d_ros.types import Topology

EVERY, JUDGED_EVERY = 5, 20
"""One of so many frames is learned from, and judged on: neighbours say the same."""
WEIGHTS = {"mesh": 1.0, "rotation": 40.0, "expression": 2.0, "identity": 0.1}
"""Of the mesh's distance (mm), the rotation's error (rad), the squares of expressions' in their usual spread (their
means are wanted: medians of coefficients that seldom move would be 0), identities'."""
LEAST_SPREAD = 0.08
"""Of an expression coefficient, in which its error counts: those that hardly move are not all there is."""
ALONG = 0.3
"""How far a vertex that slides along the surface counts, beside one that leaves it."""
LEAST = 1e-6
VERTICES_EVERY = 4
SPREAD_FRAMES = 4096


@dataclass(frozen=True, eq=False)
class MeshDistance:
    """How far meshes of two sets of coefficients are apart after the best small rigid motion, to first order."""

    beside: Tensor
    """(I + K, V) mm along the normals of the mean face."""
    anywhere: Tensor
    """(I + K, I + K) so that a difference d has the mean square distance d · this · d, mm²."""

    @classmethod
    def of(cls, model: FaceModel) -> MeshDistance:
        """Of a face model's vertices."""
        chosen = np.arange(0, len(model.mean_mm), VERTICES_EVERY)
        mean = model.mean_mm[chosen].astype(np.float64)
        shapes = np.concatenate([model.identity_mm[:, chosen], model.expression_mm[:, chosen]]).astype(np.float64)
        flat = shapes.reshape(len(shapes), -1)
        rigid, _ = np.linalg.qr(rigid_motions(mean).reshape(6, -1).T)
        flat = flat - (flat @ rigid) @ rigid.T
        normals = vertex_normals(model.mean_mm, model.triangles)[chosen]
        beside = np.einsum("kvc,vc->kv", flat.reshape(shapes.shape), normals)
        return cls(_single(beside), _single(flat @ flat.T / len(chosen)))

    def __call__(self, off: Tensor) -> Tensor:
        """(B,) mm, from differences of coefficients (B, I + K)."""
        leaving = torch.matmul(off, self.beside).abs().mean(dim=1)
        sliding = ((torch.matmul(off, self.anywhere) * off).sum(dim=1) + LEAST).sqrt()
        return leaving + ALONG * sliding

    def surface_mm(self, off: Tensor) -> Tensor:
        """(B,) mean distance along the normals."""
        return torch.matmul(off, self.beside).abs().mean(dim=1)


class MeshFrames:
    """What the loop needs to know of this task."""

    def __init__(self, recipe: Recipe, training: Frames, judged: Frames, points: PointModel, model: FaceModel) -> None:
        self.network = new_network(recipe, points, training)
        self.weights = WEIGHTS | recipe.weights
        self.stream = FrameStream(training, points, recipe.rows, recipe.seed)
        self.distance = MeshDistance.of(model)
        self.usual = usual_spread(training.expression)
        self.judged = _whole(judged)

    @classmethod
    def from_corpora(
        cls, recipe: Recipe, training: Corpus, validation: Corpus, points: PointModel, model: FaceModel
    ) -> MeshFrames:
        """Reads what it needs of both."""
        for corpus in (training, validation):
            check_corpus(corpus, points)
        learned = frames_of(SteadiedCorpus(training), points, EVERY)
        return cls(recipe, learned, frames_of(SteadiedCorpus(validation), points, JUDGED_EVERY), points, model)

    def losses(self, share: float) -> dict[str, Tensor]:
        """The parts of the loss of the next batch."""
        batch = self.stream.next()
        outputs, _ = self.network.step(batch.inputs, {})
        parts = losses_of(outputs, batch, self.distance, self.usual)
        total = sum((self.weights[name] * part for name, part in parts.items()), torch.zeros(()))
        return {"loss": total, **parts}

    def judge(self, network: MeshNetwork) -> dict[str, float]:
        """Figures on validation frames, unchanged."""
        with torch.inference_mode():
            outputs, _ = network.step(self.judged.inputs, {})
        return figures_of(outputs, self.judged, self.distance)

    def state(self) -> dict[str, Tensor]:
        """How many batches were taken."""
        return {"taken": torch.tensor(self.stream.taken)}

    def go_on_from(self, state: dict[str, Tensor]) -> None:
        """Stand there again."""
        self.stream.taken = int(state["taken"])


def usual_spread(expression: NDArray[np.floating]) -> Tensor:
    """(K,) standard deviations of expression coefficients (M, K)."""
    return _single(np.hypot(expression.std(axis=0), LEAST_SPREAD))


def losses_of(outputs: dict[str, Tensor], batch: Batch, distance: MeshDistance, usual: Tensor) -> dict[str, Tensor]:
    """Mesh in mm, rotation in rad, expression, and identities by what their own variances say, of a batch."""
    off = differences(outputs, batch.coefficients)
    count = outputs["identity"].shape[1]
    wrong = off[:, :count].square()
    log_variance = outputs["identity_log_variance"]
    return {
        "mesh": distance(off).mean(),
        "rotation": ((outputs["rotation_correction"] - batch.rotation).square().sum(dim=1) + LEAST).sqrt().mean(),
        "expression": (off[:, -len(usual) :] / usual).square().mean(),
        "identity": 0.5 * (wrong.detach() * torch.exp(-log_variance) + log_variance).mean() + 0.1 * wrong.mean(),
    }


def figures_of(outputs: dict[str, Tensor], batch: Batch, distance: MeshDistance) -> dict[str, float]:
    """Mean distance of meshes, mean angle between rotations, mean error and correlation of expressions."""
    off = differences(outputs, batch.coefficients)
    count = outputs["expression"].shape[1]
    truth, found = batch.coefficients[:, -count:].numpy(), outputs["expression"].numpy()
    turn = (outputs["rotation_correction"] - batch.rotation).norm(dim=1)
    correlations = _correlations(found, truth)
    known = correlations[np.isfinite(correlations)]
    return {
        "mesh_mm": float(distance.surface_mm(off).mean()),
        "rotation_deg": float(torch.rad2deg(turn).mean()),
        "expression_error": float(off[:, -count:].abs().mean()),
        "correlation": float(known.mean()) if known.size else float("nan"),
    }


def differences(outputs: dict[str, Tensor], truth: Tensor) -> Tensor:
    """(B, I + K) outputs minus truth; identities that are not asked for count as 0."""
    identity, expression = outputs["identity"], outputs["expression"]
    others = truth.shape[1] - identity.shape[1] - expression.shape[1]
    return torch.cat([identity, identity.new_zeros(len(identity), others), expression], dim=1) - truth


def new_network(recipe: Recipe, points: PointModel, frames: Frames) -> MeshNetwork:
    """With random weights from the recipe's seed; told how landmarks lie, and where they usually are."""
    topology = Topology(recipe.landmarks)
    given = {"landmarks": recipe.landmarks, "order": curves_first(topology, PATCH), **recipe.config}
    torch.manual_seed(recipe.seed)
    network = make_network(recipe.family, given)
    if not isinstance(network, MeshNetwork):
        raise CorpusError(f"family '{recipe.family}' reads no mesh; docs/mesh.md names those that do")
    some = np.linspace(0, len(frames) - 1, min(len(frames), SPREAD_FRAMES)).astype(np.intp)
    aligned = align_to_canonical(frames.points_mm[some].astype(np.float32)).points_cm
    network.centre.copy_(_single(aligned.mean(axis=0)))
    network.per_spread.copy_(_single(1.0 / aligned.std(axis=0)))
    tell_anchors(network, points)
    return network


def tell_anchors(network: MeshNetwork, points: PointModel) -> None:
    """Where the still landmarks of the mean head are, and how they move with identity; the origin moves too."""
    indices = anchor_indices(points.topology)
    corners = points.neutral(np.zeros(len(points.identity_mm), np.float32))
    units = np.eye(network.config.identity, len(points.identity_mm), dtype=np.float32)
    moved = np.stack([points.neutral(unit) for unit in units]) - corners
    network.anchors_mean.copy_(_single(corners[indices]).flatten())
    network.anchors_identity.copy_(_single(moved[:, indices]).flatten(1))


def anchor_indices(topology: Topology) -> NDArray[np.intp]:
    """(M,) landmarks that head pose is read from."""
    return pose_points(topology)[0]


def rigid_motions(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(6, V, 3) how points (V, 3) move at first by a shift along, and a turn about, each axis."""
    axes, around = np.eye(3), points - points.mean(axis=0)
    shifts = [np.broadcast_to(axis, points.shape) for axis in axes]
    return np.stack([*shifts, *(np.cross(axis, around) for axis in axes)])


def check_corpus(corpus: Corpus, points: PointModel) -> None:
    """Refuse a corpus that was made with another face model or other landmarks."""
    made_with = corpus.manifest["face_model"]["sha256"]
    if made_with != points.source_sha256 or corpus.topology != points.topology:
        raise CorpusError(
            f"'{corpus.folder}' holds {int(corpus.topology)} landmarks of face model {made_with[:12]}; expected "
            f"{int(points.topology)} of {points.source_sha256[:12]}, the one that was named"
        )


def _whole(frames: Frames) -> Batch:
    return batch_of(
        frames.points_mm.astype(np.float32),
        frames.confidence.astype(np.float32),
        frames.turn_rad,
        np.concatenate([frames.identity, frames.expression], axis=1),
    )


def _correlations(found: NDArray[np.float32], truth: NDArray[np.float32]) -> NDArray[np.float64]:
    """(K,) NaN where one of both never changes."""
    moves = (np.ptp(found, axis=0) > 0.0) & (np.ptp(truth, axis=0) > 0.0)
    a, b = found - found.mean(axis=0), truth - truth.mean(axis=0)
    both = np.where(moves, np.sqrt((a * a).sum(axis=0) * (b * b).sum(axis=0)), np.nan)
    return np.asarray((a * b).sum(axis=0) / both, np.float64)


def _single(array: NDArray[np.floating]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))
