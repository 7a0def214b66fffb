"""Training of motion encoders: clips of one motion near each other, clips of another motion apart.

As Sun et al. (Electronics 2022): pairs are formed within a subject, of whole clips from whose ends frames without
motion are taken away at random. Letters: C clips of a batch, T frames, N landmarks, E numbers of a vector.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from face1d_ros.errors import CorpusError
from face1d_ros.evaluate.verification import verification
from face1d_ros.geometry.curve_order import curves_first
from face1d_ros.geometry.motion_clip import FRAMES, POINTS, Stretch, encoder_input, rest_of
from face1d_ros.geometry.topology import partner
from face1d_ros.nets.families import make_network
from face1d_ros.nets.motion_encoder import MotionEncoder
from face1d_ros.nets.motion_loss import CONTRASTIVE, Pairs, contrastive_loss, n_pair_loss
from face1d_ros.train.identity_clips import IdentityClips
from face1d_ros.train.recipe import Recipe
from face1d_ros.types import FloatArray, Topology

MOTIONS, REPETITIONS = 5, 3
"""Of each subject in a batch, at most."""
WEIGHTS = {"boundary": 0.0, "temperature": 0.1}
"""The paper's m_c and τ, whose values it does not give."""
OTHER_GAIN, OTHER_NOISE_CM, OTHER_REST_CM = 0.15, 0.01, 0.03
"""Each landmark's motion by this factor's logarithm, the same in all clips of a subject; trembling and rest of each
clip."""
MIRRORED = np.array([-1.0, 1.0, 1.0], np.float32)
LEAST_SPREAD_CM = 0.01
TEMPLATES = 3
"""Of an enrolled motion, where false match rates are measured."""
RATES = (0.1, 0.03, 0.01, 0.003, 0.001, 0.0003)
"""At which thresholds are found."""
SPREAD_EVERY, JUDGED_AT_ONCE = 7, 64


@dataclass(frozen=True, eq=False)
class Batch:
    """Clips side by side, as long as the longest of them."""

    points: Tensor
    """(C, T, 3 N) offsets from rest, cm."""
    mask: Tensor
    """(C, T)"""
    pairs: Pairs


class Motions:
    """What the loop needs to know of this task."""

    def __init__(self, recipe: Recipe, training: IdentityClips, judged: IdentityClips) -> None:
        self._loss, self._trimming, self._weights = recipe.loss, recipe.trimming, WEIGHTS | recipe.weights
        self._training, self._judged = training, judged
        self._by_motion = _indices_by_motion(training)
        self._motions_of = {
            subject: np.unique(training.motion[training.subject == subject]) for subject in np.unique(training.subject)
        }
        self._subjects = np.array(list(self._motions_of))
        self.network = new_network(recipe, spread_of(training))
        self._rows, self._seed, self._taken = recipe.rows, recipe.seed, 0
        self._mirror = partner(Topology.FACE_68)

    def losses(self, share: float) -> dict[str, Tensor]:
        """That of a batch of subjects."""
        rng = np.random.default_rng((self._seed, self._taken))
        self._taken += 1
        batch = self._batch(rng)
        vectors = self.network.encoded(batch.points, batch.mask)
        if self._loss == CONTRASTIVE:
            return {"loss": contrastive_loss(vectors, batch.pairs, self._weights["boundary"])}
        return {"loss": n_pair_loss(vectors, batch.pairs, self._weights["temperature"])}

    def judge(self, network: MotionEncoder) -> dict[str, float]:
        """Figures on whole clips of subjects of the validation data, pairs within a subject."""
        vectors = vectors_of(network, self._judged)
        found = verification(*within_subjects(vectors, self._judged))
        return {
            "average_precision": found.average_precision,
            "peak_f1": found.peak_f1,
            "eer": found.eer,
            "fnmr_at_1e-2": found.at_fmr[0].fnmr,
        }

    def state(self) -> dict[str, Tensor]:
        """How many batches were taken."""
        return {"taken": torch.tensor(self._taken)}

    def go_on_from(self, state: dict[str, Tensor]) -> None:
        """Stand there again."""
        self._taken = int(state["taken"])

    def _batch(self, rng: np.random.Generator) -> Batch:
        """Several repetitions of each motion of a few subjects; some motions in a mirror, some backwards."""
        clips: list[FloatArray] = []
        numbers: list[tuple[int, int, int]] = []
        for subject in rng.choice(self._subjects, min(self._rows, len(self._subjects)), replace=False):
            gain = np.exp(OTHER_GAIN * rng.standard_normal((POINTS, 3)))
            for motion in self._motions_of[subject][:MOTIONS]:
                mirrored, backwards = rng.random(2) < 0.5
                there = self._by_motion[motion]
                for index in rng.choice(there, min(REPETITIONS, len(there)), replace=False):
                    off = self._clip(rng, index)[:: -1 if backwards else 1]
                    off = off[:, self._mirror] * MIRRORED if mirrored else off
                    clips.append(trembling(rng, off * gain))
                    numbers.append((motion, subject, self._training.gestures[index]))
        return Batch(*_side_by_side(clips), Pairs.of(*torch.tensor(numbers).T))

    def _clip(self, rng: np.random.Generator, index: int) -> FloatArray:
        """(T, N, 3) offsets from rest; with random trimming, of the frames without motion some are left."""
        grid, (begin, end) = self._training.clip(index), self._training.moving[index]
        off = grid - rest_of(grid, Stretch(begin, end))
        if self._trimming:
            off = off[rng.integers(0, begin + 1) : rng.integers(end, len(grid) + 1)]
        return np.asarray(off[:FRAMES], np.float32)


def trembling(rng: np.random.Generator, off: NDArray[np.floating]) -> FloatArray:
    """(T, N, 3) with another rest, and another noise."""
    rest = OTHER_REST_CM * rng.standard_normal((1, POINTS, 3))
    noise = OTHER_NOISE_CM * rng.random() * rng.standard_normal(off.shape)
    return np.asarray(off + rest + noise, np.float32)


def operating_points(network: MotionEncoder, clips: IdentityClips) -> list[list[float]]:
    """False match rates and the thresholds that keep them, for spotted motions against a few templates each.

    Impostors are other motions of the subject, and whatever other subjects do: the higher threshold of both counts.
    """
    vectors = vectors_of(network, clips, spotted=True)
    by_motion = _indices_by_motion(clips)
    own, others = [], []
    for rows in by_motion.values():
        for start in range(0, len(rows) - TEMPLATES + 1, TEMPLATES):
            best = (vectors @ vectors[rows[start : start + TEMPLATES]].T).max(axis=1)
            is_other = clips.motion != clips.motion[rows[0]]
            is_subject = clips.subject == clips.subject[rows[0]]
            is_fair = clips.gestures != clips.gestures[rows[0]]
            own.append(best[is_other & is_subject & is_fair])
            others.append(best[is_other & ~is_subject])
    both = [np.sort(np.concatenate(scores))[::-1] for scores in (own, others)]
    thresholds = [max(float(scores[int(rate * len(scores))]) for scores in both) for rate in RATES]
    return [[rate, math.ceil(threshold * 1e4) / 1e4] for rate, threshold in zip(RATES, thresholds, strict=True)]


def vectors_of(network: MotionEncoder, clips: IdentityClips, *, spotted: bool = False) -> FloatArray:
    """(M, E) of whole clips, or around what was spotted in them."""
    order = np.argsort(np.diff(clips.first), kind="stable")
    found = np.empty((len(clips), network.config.embedding), np.float32)
    for start in range(0, len(order), JUDGED_AT_ONCE):
        chosen = order[start : start + JUDGED_AT_ONCE]
        points, mask = _side_by_side([_off_rest(clips, index, spotted=spotted) for index in chosen])
        with torch.inference_mode():
            found[chosen] = network.encoded(points, mask).numpy()
    return found


def within_subjects(vectors: FloatArray, clips: IdentityClips) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Similarities of all pairs of clips of one subject, and whether both show the same motion.

    Two motions that are made of the same gestures are no pair: nobody chooses the same motion twice.
    """
    scores, genuine = [], []
    for subject in np.unique(clips.subject):
        rows = np.flatnonzero(clips.subject == subject)
        first, second = np.triu_indices(len(rows), 1)
        same = clips.motion[rows][first] == clips.motion[rows][second]
        is_pair = same | (clips.gestures[rows][first] != clips.gestures[rows][second])
        scores.append((vectors[rows] @ vectors[rows].T)[first, second][is_pair])
        genuine.append(same[is_pair])
    return np.concatenate(scores), np.concatenate(genuine)


def spread_of(clips: IdentityClips) -> FloatArray:
    """(3 N,) how far each coordinate goes from the clip's own rest, standard deviation in cm."""
    off = np.concatenate([_off_rest(clips, index) for index in range(0, len(clips), SPREAD_EVERY)])
    return np.maximum(off.reshape(len(off), -1).std(axis=0), LEAST_SPREAD_CM)


def new_network(recipe: Recipe, spread: FloatArray) -> MotionEncoder:
    """With random weights from the recipe's seed, told what is usual."""
    torch.manual_seed(recipe.seed)
    try:
        network = make_network(recipe.family, {"order": curves_first(Topology.FACE_68), **recipe.config})
    except ValueError as error:
        raise CorpusError(f"the recipe makes no network: {error}") from error
    if not isinstance(network, MotionEncoder):
        raise CorpusError(f"family '{recipe.family}' encodes no motions; docs/identity.md names those that do")
    per_spread = network.get_buffer("spatial.per_spread")
    per_spread.copy_(torch.from_numpy((1.0 / spread).astype(np.float32)))
    return network


def _off_rest(clips: IdentityClips, index: int, *, spotted: bool = False) -> FloatArray:
    """(T, N, 3) of the whole clip, or around what was spotted in it."""
    grid, moving = clips.clip(index), Stretch(*clips.moving[index])
    points, mask = encoder_input(grid, rest_of(grid, moving), moving if spotted else None)
    return points[: int(mask.sum())].reshape(-1, POINTS, 3)


def _indices_by_motion(clips: IdentityClips) -> dict[int, NDArray[np.intp]]:
    order = np.argsort(clips.motion, kind="stable")
    motions, starts = np.unique(clips.motion[order], return_index=True)
    return dict(zip(motions.tolist(), np.split(order, starts[1:]), strict=True))


def _side_by_side(clips: list[FloatArray]) -> tuple[Tensor, Tensor]:
    """(C, T, 3 N) and mask (C, T)."""
    longest = max(len(clip) for clip in clips)
    points, mask = np.zeros((len(clips), longest, 3 * POINTS), np.float32), np.zeros((len(clips), longest), np.float32)
    for row, clip in enumerate(clips):
        points[row, : len(clip)] = clip.reshape(len(clip), -1)
        mask[row, : len(clip)] = 1.0
    return torch.from_numpy(points), torch.from_numpy(mask)
