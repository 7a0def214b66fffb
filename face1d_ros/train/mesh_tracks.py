"""Training of the LSTM behind a mesh network for single frames; what that one says is worked out once.

A sequence gets another head and a shape beyond the face model, the same in all its frames, as `mesh_frames` gives them
to single frames. Letters: B rows, T frames, I identity and K expression coefficients.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from face1d_ros.errors import CheckpointError, CorpusError
from face1d_ros.nets.coefficient_lstm import CoefficientLstm
from face1d_ros.nets.curve_cnn import CurveCnn
from face1d_ros.nets.families import make_network
from face1d_ros.nets.mesh_network import MeshNetwork
from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.synth.faces.model import FaceModel
from face1d_ros.synth.faces.point_model import PointModel
from face1d_ros.synth.noise.observe import load_noise_model
from face1d_ros.synth.sequence import Sequence, identity_of
from face1d_ros.train.checkpoint import load_checkpoint
from face1d_ros.train.mesh import LEAST, Batch, MeshDistance, check_corpus, differences, figures_of, usual_spread
from face1d_ros.train.mesh_frames import HeadChanges, UnlikeMotion, batch_of, beyond_the_model, in_head_mm
from face1d_ros.train.recipe import Recipe
from face1d_ros.train.steadied import SteadiedCorpus
from face1d_ros.train.tracks import stretches
from face1d_ros.types import FloatArray

WEIGHTS = {"mesh": 1.0, "rotation": 40.0, "expression": 2.0, "motion": 1.6, "prediction": 0.05}
"""Of distance (mm), rotation (rad), squares of coefficients' errors, their change between frames, the next frame's
likelihood."""
TURNS = 12.0
"""Of the motion of rotations, beside that of expressions in what is usual."""
JUDGED_SEQUENCES = 24


@dataclass(frozen=True, eq=False)
class Estimates:
    """What a network for single frames says of a face's frames, and the truth."""

    estimate: FloatArray
    """(T, 2 I + K + 3)"""
    turn: FloatArray
    """(T, 3)"""
    dt: FloatArray
    """(T, 1) 0 in the first."""
    coefficients: FloatArray
    """(T, all of the face model's)"""
    rotation: FloatArray
    """(T, 3)"""

    def __len__(self) -> int:
        return len(self.dt)


class MeshTracks:
    """What the loop needs to know of this task."""

    def __init__(
        self, recipe: Recipe, frame: CurveCnn, tracks: list[Estimates], judged: list[Estimates], model: FaceModel
    ) -> None:
        self._tracks = [track for track in tracks if len(track) >= recipe.frames]
        if not self._tracks:
            raise CorpusError(f"no sequence shows a face for {recipe.frames} frames; make a longer corpus")
        self.network = grown(frame, recipe)
        self.weights = WEIGHTS | recipe.weights
        self.distance = MeshDistance.of(model)
        self.usual = usual_spread(
            np.concatenate([track.coefficients for track in tracks])[:, -self.network.config.expression :]
        )
        self._rows, self._frames, self._seed = recipe.rows, recipe.frames, recipe.seed
        self._judged, self._taken = judged, 0

    @classmethod
    def from_corpora(
        cls, recipe: Recipe, frame: Path, training: Corpus, validation: Corpus, points: PointModel, model: FaceModel
    ) -> MeshTracks:
        """Works out what the network of the checkpoint `frame` says of all sequences."""
        network, _ = load_checkpoint(frame)
        if not isinstance(network, CurveCnn) or isinstance(network, CoefficientLstm):
            raise CheckpointError(frame, f"it holds a {network.family}, a {CurveCnn.family} is needed")
        for corpus in (training, validation):
            check_corpus(corpus, points)
        tracks = tracks_of(network, SteadiedCorpus(training), points, most=len(training), seed=recipe.seed)
        judged = tracks_of(network, SteadiedCorpus(validation), points, most=JUDGED_SEQUENCES, seed=None)
        return cls(recipe, network, tracks, judged, model)

    def losses(self, share: float) -> dict[str, Tensor]:
        """The parts of the loss of windows that begin anywhere, each with a face never seen before."""
        window = self._next()
        outputs, known = followed(self.network, window)
        truth = window.coefficients
        count = outputs["expression"].shape[2]
        flat = {name: tensor.flatten(0, 1) for name, tensor in outputs.items()}
        flat["identity"] = known["identity"].flatten(0, 1)
        off = differences(flat, truth.flatten(0, 1))
        wrong = (outputs["expression"] - truth[..., -count:]) / self.usual
        turned = outputs["rotation_correction"] - window.rotation
        parts = {
            "mesh": self.distance(off).mean(),
            "rotation": (turned.square().sum(dim=2) + LEAST).sqrt().mean(),
            "expression": wrong.square().mean(),
            "motion": (wrong[:, 1:] - wrong[:, :-1]).abs().mean()
            + TURNS * (turned[:, 1:] - turned[:, :-1]).abs().mean(),
            "prediction": _likelihood(known, window.estimate[:, 1:], self.network),
        }
        return {"loss": sum((self.weights[name] * part for name, part in parts.items()), torch.zeros(())), **parts}

    def judge(self, network: CoefficientLstm) -> dict[str, float]:
        """Figures on all frames of some validation sequences."""
        windows = [_stacked([(track, slice(None))]) for track in self._judged]
        rows = []
        for window in windows:
            with torch.inference_mode():
                outputs, known = followed(network, window)
            rows.append({name: tensor[0] for name, tensor in outputs.items()} | {"identity": known["identity"][0]})
        found = {name: torch.cat([row[name] for row in rows]) for name in rows[0]}
        coefficients, rotation = (
            torch.cat([getattr(window, name)[0] for window in windows]) for name in ("coefficients", "rotation")
        )
        return figures_of(found, Batch({}, coefficients, rotation), self.distance)

    def state(self) -> dict[str, Tensor]:
        """How many windows were taken."""
        return {"taken": torch.tensor(self._taken)}

    def go_on_from(self, state: dict[str, Tensor]) -> None:
        """Stand there again."""
        self._taken = int(state["taken"])

    def _next(self) -> Window:
        rng = np.random.default_rng((self._seed, self._taken))
        self._taken += 1
        chosen = [self._tracks[int(index)] for index in rng.integers(len(self._tracks), size=self._rows)]
        starts = [int(rng.integers(len(track) - self._frames + 1)) for track in chosen]
        return _stacked([(track, slice(at, at + self._frames)) for track, at in zip(chosen, starts, strict=True)])


@dataclass(frozen=True, eq=False)
class Window:
    """Estimates as tensors (B, T, …)."""

    estimate: Tensor
    turn: Tensor
    dt: Tensor
    coefficients: Tensor
    rotation: Tensor


def grown(frame: CurveCnn, recipe: Recipe) -> CoefficientLstm:
    """The LSTM with random weights behind a trained network, which learns no more."""
    torch.manual_seed(recipe.seed)
    config = {name: value for name, value in vars(frame.config).items()} | recipe.config
    network = make_network(CoefficientLstm.family, config)
    assert isinstance(network, CoefficientLstm)  # the family says so
    taken = frame.state_dict()
    network.load_state_dict({**network.state_dict(), **taken})
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name not in taken)
    return network


def followed(network: CoefficientLstm, window: Window) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Outputs (B, T, …), and of the memory after each frame: `identity` so far, `predicted` and its `log_spread`."""
    memory = network.empty_memory(len(window.dt))
    outputs: list[dict[str, Tensor]] = []
    known: list[dict[str, Tensor]] = []
    for index in range(window.dt.shape[1]):
        inputs = {"turn": window.turn[:, index], "dt": window.dt[:, index]}
        given, memory = network.follow(window.estimate[:, index], inputs, memory)
        outputs.append(given)
        known.append(
            {
                "identity": memory["weighted"] / memory["information"],
                "predicted": memory["predicted"],
                "log_spread": memory["log_spread"],
            }
        )
    return _over_time(outputs), _over_time(known)


def tracks_of(
    network: MeshNetwork,
    corpus: Corpus | SteadiedCorpus,
    points: PointModel,
    *,
    most: int,
    seed: int | None,
    advance: Callable[[], None] = lambda: None,
) -> list[Estimates]:
    """The longest stretch of each of the first sequences; with a seed they get other heads."""
    found = []
    for number in range(min(len(corpus), most)):
        sequence = corpus[number]
        part = max(stretches(sequence), key=lambda part: part.stop - part.start, default=slice(0, 0))
        chosen = part.start + np.flatnonzero((sequence.seen & sequence.present)[part])
        if len(chosen):
            rng = None if seed is None else np.random.default_rng((seed, number))
            found.append(estimates_of(network, sequence, chosen, points, rng))
        advance()
    return found


def estimates_of(
    network: MeshNetwork,
    sequence: Sequence,
    chosen: NDArray[np.intp],
    points: PointModel,
    rng: np.random.Generator | None = None,
) -> Estimates:
    """Of the chosen frames."""
    seen = in_head_mm(sequence, chosen)
    identity = identity_of(sequence.plan.subject, points)
    expression = np.asarray(sequence.expression[chosen], np.float32)
    if rng is not None:
        other = (
            rng.standard_normal(identity.shape, np.float32) if rng.random() < HeadChanges().other_identity else identity
        )
        smooth = load_noise_model().modes.reshape(-1, seen[0].size)
        field = beyond_the_model(rng, 1, smooth, HeadChanges()).reshape(seen[0].shape)
        seen += np.tensordot(other - identity, points.identity_mm, 1) + field
        seen += UnlikeMotion.of(points).draw(rng, 1, HeadChanges())(expression[None])[0]
        identity = other
    batch = batch_of(
        seen,
        np.asarray(sequence.point_confidence[chosen], np.float32),
        np.asarray(sequence.yaw_pitch_roll_rad[chosen], np.float32),
        np.concatenate([np.repeat(identity[None], len(chosen), axis=0), expression], axis=1),
    )
    with torch.inference_mode():
        estimate = network.estimate(batch.inputs)
    stamps_s = sequence.stamps_s[chosen]
    return Estimates(
        estimate.numpy(),
        batch.inputs["turn"].numpy(),
        np.diff(stamps_s, prepend=stamps_s[:1])[:, None].astype(np.float32),
        batch.coefficients.numpy(),
        batch.rotation.numpy(),
    )


def _likelihood(known: dict[str, Tensor], next_estimates: Tensor, network: CoefficientLstm) -> Tensor:
    """Of the expressions that the next frames show, under what was predicted."""
    shown = network.split(next_estimates)[2]
    log_spread = known["log_spread"][:, :-1]
    wrong = (shown - known["predicted"][:, :-1]).square()
    return 0.5 * (wrong * torch.exp(-log_spread) + log_spread).mean()


def _stacked(parts: list[tuple[Estimates, slice]]) -> Window:
    def of(name: str) -> Tensor:
        return torch.from_numpy(np.stack([getattr(track, name)[part] for track, part in parts]))

    window = Window(**{one.name: of(one.name) for one in fields(Window)})
    window.dt[:, 0] = 0.0
    return window


def _over_time(frames: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.stack([frame[name] for frame in frames], dim=1) for name in frames[0]}
