"""Training of networks that read expressions: label, intensity, phase and its age, and facial actions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from face1d_ros.errors import CorpusError
from face1d_ros.evaluate.classification import phase_macro_f1
from face1d_ros.geometry.expression_features import feature_names
from face1d_ros.geometry.facial_actions import ACTION_NAMES, mirror_indices
from face1d_ros.geometry.neutral_face import adapted
from face1d_ros.nets.expression_network import APART_S, LONGEST_S, LOOKS, ExpressionNetwork
from face1d_ros.nets.families import make_network
from face1d_ros.synth.motion.types import LABELS, NEUTRAL
from face1d_ros.train.expression_tracks import BOTH, ExpressionTracks, feature_names_of
from face1d_ros.train.recipe import Recipe
from face1d_ros.types import FloatArray, Phase

WEIGHTS = {"label": 1.0, "phase": 1.0, "intensity": 2.0, "age": 3.0, "actions": 20.0}
"""Of cross entropies, of errors of intensity and of a phase's age (s), of squares of errors of actions."""
SHOWN_SHARE = 2.0
"""How much oftener a frame with an expression is taken than another."""
NEUTRAL_S = 8.0
"""In which neutral faces adapt, as the stage has it by default."""
OTHER_GAIN, OTHER_REST = 0.15, 0.15
"""Faces that are not synthetic move each feature otherwise: by this factor's logarithm, and from another rest, in what
is usual."""
LARGEST_GAIN, GAIN_SPREAD, LEAK, ABSENT = 1.1, 0.5, 0.35, 0.25
"""Of coefficients that are read beside landmarks. Those of real faces are too small and spread over other ones
(docs/mesh.md), so a network learns with all of them smaller by any factor up to the first, each by a factor of its own
(its logarithm's standard deviation), with some of each in every other (root mean square), and, in this share, without
them. What it then makes of them can be trusted; of faces whose coefficients say little it reads the landmarks."""
RENEWED = (0.35, 0.6, 0.8)
"""Shares of the training after which neutral faces are found anew, by what the network itself takes for rest, as in
use; before the first, by the truth."""
RENEWED_EVERY, CERTAIN = 3, 255
"""One of so many frames is asked for that, for the sake of time; how certain it is is kept in a byte."""
SPREAD_EVERY, JUDGED_EVERY = 17, 5
LEAST_SPREAD = 1e-3
AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class Looks:
    """What a network is given of so many frames."""

    looks: Tensor
    """(B, LOOKS, F) differences from neutral, in what is usual."""
    known: Tensor
    """(B, 1) how well neutral is known."""


class Frames:
    """All frames of tracks, ready to be looked at by networks of one input."""

    def __init__(self, tracks: ExpressionTracks, given: str, spread: FloatArray, network: ExpressionNetwork) -> None:
        self._tracks, self._features, self._spread = tracks, tracks.features(given), spread
        self._first = tracks.first
        # Frames of one track lie together: a time that rises over all of them finds the frames around a look.
        self._time_s = tracks.stamps_s + 1e4 * np.cumsum(np.diff(tracks.first, prepend=0) > 0)
        self.settle(torch.from_numpy((tracks.label == NEUTRAL).astype(np.uint8) * CERTAIN), network)

    def settle(self, rests: Tensor, network: ExpressionNetwork) -> None:
        """How certain it is in each frame (M,) that the face rests: neutral faces follow from it."""
        self.rests = rests
        likely = rests.numpy().astype(np.float32) / CERTAIN
        neutral, known_s = neutral_of(self._tracks, self._features, likely, self._spread)
        with torch.inference_mode():
            self._off = network.from_neutral(torch.from_numpy(self._features), torch.from_numpy(neutral))
        self._known = torch.from_numpy(known_s / NEUTRAL_S)

    def asked(self, network: ExpressionNetwork) -> Tensor:
        """(M,) how certain the network is that the face rests."""
        chosen = np.arange(0, len(self._first), RENEWED_EVERY)
        likely = answers(network, self, chosen)["labels"][:, NEUTRAL]
        return torch.from_numpy(np.repeat(likely * CERTAIN, RENEWED_EVERY)[: len(self._first)].astype(np.uint8))

    def at(self, frames: NDArray[np.intp]) -> Looks:
        """As the network's memory would have it in these frames."""
        first, looks = self._first[frames], []
        for back in range(LOOKS - 1, -1, -1):
            at_s = np.maximum(self._time_s[frames] - back * APART_S, self._time_s[first])
            after = np.clip(np.searchsorted(self._time_s, at_s - 1e-9), first, frames)
            before = np.maximum(after - 1, first)
            length_s = self._time_s[after] - self._time_s[before]
            share = np.where(length_s > 0.0, (at_s - self._time_s[before]) / np.maximum(length_s, 1e-9), 1.0)
            looks.append(torch.lerp(self._off[before], self._off[after], _single(share[:, None])))
        return Looks(torch.stack(looks, dim=1), self._known[frames])


class Expressions:
    """What the loop needs to know of this task."""

    def __init__(
        self, recipe: Recipe, training: ExpressionTracks, judged: ExpressionTracks, left_out: tuple[int, ...] = ()
    ) -> None:
        """`left_out`: features that the network is not told, by number."""
        self.spread = spread_of(training, training.features(recipe.input))
        self.network = new_network(recipe, self.spread, left_out)
        self.weights = WEIGHTS | recipe.weights
        self._mirror = torch.tensor(mirror_indices(feature_names_of(recipe.input)))
        self._mirror_actions = torch.tensor(mirror_indices(ACTION_NAMES))
        self._training, self._judged = training, judged
        self._frames = Frames(training, recipe.input, self.spread, self.network)
        self._judged_frames = Frames(judged, recipe.input, self.spread, self.network)
        shares = np.where((training.label > 0), SHOWN_SHARE, 1.0)
        self._chances = np.cumsum(shares / shares.sum())
        self._input, self._rows, self._seed = recipe.input, recipe.rows, recipe.seed
        self._taken = self._renewed = 0

    def losses(self, share: float) -> dict[str, Tensor]:
        """The parts of the loss of frames taken anywhere, half of them in a mirror."""
        if self._renewed < len(RENEWED) and share >= RENEWED[self._renewed]:
            self._renew(self._renewed + 1)
        rng = np.random.default_rng((self._seed, self._taken))
        self._taken += 1
        chosen = np.searchsorted(self._chances, rng.random(self._rows)).clip(max=len(self._chances) - 1)
        seen = self._frames.at(chosen)
        turned = torch.from_numpy(rng.random(self._rows) < 0.5)
        looks = torch.where(turned[:, None, None], seen.looks[..., self._mirror], seen.looks)
        looks = looks * torch.exp(OTHER_GAIN * _random(rng, looks)) + OTHER_REST * _random(rng, looks)
        if self._input == BOTH:
            landmarks, coefficients = looks.split([len(feature_names()), looks.shape[2] - len(feature_names())], dim=2)
            looks = torch.cat([landmarks, as_of_real_faces(rng, coefficients)], dim=2)
        labels, intensity, phases, age, actions = self.network.logits(looks, seen.known)
        truth = _Truth.of(self._training, chosen)
        wanted = torch.where(turned[:, None], truth.actions[:, self._mirror_actions], truth.actions)
        late = (LONGEST_S * torch.sigmoid(age[:, 0]) - truth.age).abs()
        parts = {
            "label": functional.cross_entropy(labels, truth.label),
            "phase": functional.cross_entropy(phases, truth.phase),
            "intensity": (torch.sigmoid(intensity[:, 0]) - truth.intensity).abs().mean(),
            "age": torch.where(truth.age.isfinite(), late, 0.0).mean(),
            "actions": (torch.sigmoid(actions) - wanted).square().mean(),
        }
        return {"loss": sum((self.weights[name] * part for name, part in parts.items()), torch.zeros(())), **parts}

    def judge(self, network: ExpressionNetwork) -> dict[str, float]:
        """Figures on frames of the validation data: accuracy of labels in the apex, and of phases in all."""
        chosen = np.arange(0, len(self._judged), JUDGED_EVERY)
        found = answers(network, self._judged_frames, chosen)
        label, phase = (array[chosen] for array in (self._judged.label, self._judged.phase))
        apex = (phase == Phase.APEX) & (label > 0)
        right = found["labels"].argmax(axis=1) == label
        return {
            "apex_accuracy": float(right[apex].mean()),
            "neutral_accuracy": float(right[label == 0].mean()),
            "phase_f1": phase_macro_f1(phase.astype(int), found["phases"].argmax(axis=1) + int(Phase.NEUTRAL)),
            "intensity_error": float(np.abs(found["intensity"][:, 0] - self._judged.intensity[chosen]).mean()),
            "action_error": float(np.abs(found["actions"] - self._judged.actions[chosen]).mean()),
        }

    def state(self) -> dict[str, Tensor]:
        """How many batches were taken, and where faces were taken to be at rest."""
        return {
            "taken": torch.tensor(self._taken),
            "renewed": torch.tensor(self._renewed),
            "rests": self._frames.rests,
            "judged_rests": self._judged_frames.rests,
        }

    def go_on_from(self, state: dict[str, Tensor]) -> None:
        """Stand there again."""
        self._taken, self._renewed = int(state["taken"]), int(state["renewed"])
        self._frames.settle(state["rests"], self.network)
        self._judged_frames.settle(state["judged_rests"], self.network)

    def _renew(self, times: int) -> None:
        """Find neutral faces by what the network takes for rest."""
        self._renewed = times
        self.network.eval()
        for frames in (self._frames, self._judged_frames):
            frames.settle(frames.asked(self.network), self.network)
        self.network.train()


@dataclass(frozen=True, eq=False)
class _Truth:
    label: Tensor
    phase: Tensor
    intensity: Tensor
    age: Tensor
    actions: Tensor

    @classmethod
    def of(cls, tracks: ExpressionTracks, chosen: NDArray[np.intp]) -> _Truth:
        label = tracks.label[chosen].astype(np.int64)
        return cls(
            torch.from_numpy(np.where(label < 0, len(LABELS), label)),
            torch.from_numpy(tracks.phase[chosen].astype(np.int64) - int(Phase.NEUTRAL)),
            _single(tracks.intensity[chosen]),
            _single(np.minimum(tracks.phase_s[chosen], LONGEST_S)),
            _single(tracks.actions[chosen]),
        )


def answers(network: ExpressionNetwork, frames: Frames, chosen: NDArray[np.intp]) -> dict[str, FloatArray]:
    """Outputs of the network in these frames."""
    parts = []
    for start in range(0, len(chosen), AT_ONCE):
        seen = frames.at(chosen[start : start + AT_ONCE])
        with torch.inference_mode():
            parts.append(network.named(seen.looks, seen.known))
    return {name: torch.cat([part[name] for part in parts]).numpy() for name in parts[0]}


def neutral_of(
    tracks: ExpressionTracks, features: FloatArray, rests: FloatArray, spread: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(M, F) the neutral face in each frame, and (M, 1) the time that it is known from, as the stage would have it.

    rests: (M,) how likely it is that the face rests.
    """
    before = np.append(1.0, rests[:-1]).astype(np.float32)[:, None]
    neutral, known_s = features.copy(), np.zeros((len(features), 1), np.float32)
    dt_s = np.diff(tracks.stamps_s, prepend=tracks.stamps_s[:1]).astype(np.float32)[:, None]
    starts = np.unique(tracks.first)
    ends = np.append(starts[1:], len(features))
    for step in range(1, int((ends - starts).max())):
        now = (starts + step)[starts + step < ends]
        neutral[now], known_s[now] = adapted(
            neutral[now - 1], known_s[now - 1], features[now], dt_s[now], before[now], spread, NEUTRAL_S
        )
    return neutral, known_s


def spread_of(tracks: ExpressionTracks, features: FloatArray) -> FloatArray:
    """(F,) standard deviations of features (M, F) of one face, beside its own median."""
    starts = np.unique(tracks.first)
    own = [(part - np.median(part, axis=0))[::SPREAD_EVERY] for part in np.split(features, starts[1:])]
    return np.maximum(np.concatenate(own).std(axis=0), LEAST_SPREAD)


def new_network(recipe: Recipe, spread: FloatArray, left_out: tuple[int, ...] = ()) -> ExpressionNetwork:
    """With random weights from the recipe's seed, told what is usual."""
    torch.manual_seed(recipe.seed)
    given = {"features": len(spread), "labels": len(LABELS), "actions": len(ACTION_NAMES), **recipe.config}
    try:
        network = make_network(recipe.family, given)
    except ValueError as error:
        raise CorpusError(f"the recipe makes no network: {error}") from error
    if not isinstance(network, ExpressionNetwork):
        raise CorpusError(f"family '{recipe.family}' reads no expressions; docs/expression.md names those that do")
    told = np.ones(len(spread), np.float32)
    told[list(left_out)] = 0.0
    network.per_spread.copy_(_single(told / spread))
    return network


def as_of_real_faces(rng: np.random.Generator, coefficients: Tensor) -> Tensor:
    """(B, LOOKS, K) differences of coefficients, as faces that the face model does not fit would have them."""
    rows, _, count = coefficients.shape
    gain = _single(rng.uniform(0.0, LARGEST_GAIN, (rows, 1, 1)) * (rng.random((rows, 1, 1)) >= ABSENT))
    each = torch.exp(GAIN_SPREAD * _random(rng, coefficients))
    leak = torch.from_numpy(rng.standard_normal((rows, count, count), np.float32)) * (LEAK / count**0.5)
    return gain * (coefficients * each + torch.matmul(coefficients, leak))


def _random(rng: np.random.Generator, looks: Tensor) -> Tensor:
    """(B, 1, F) normal numbers, the same in all looks."""
    return torch.from_numpy(rng.standard_normal((len(looks), 1, looks.shape[2]), np.float32))


def _single(array: NDArray[np.floating]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))
