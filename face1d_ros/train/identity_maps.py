"""Training of motion encoders that read features of a face's crop, on clips of the user's own videos.

Pairs within a subject and the losses are those of `train/identity.py`. Letters: C clips, G frames of all, T of one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from face1d_ros.errors import CorpusError
from face1d_ros.evaluate.verification import verification
from face1d_ros.geometry.motion_clip import FRAMES
from face1d_ros.nets.families import make_network
from face1d_ros.nets.motion_encoder import MAP_SHAPE, MAPS, MotionEncoder
from face1d_ros.nets.motion_loss import CONTRASTIVE, Pairs, contrastive_loss, n_pair_loss
from face1d_ros.train.array_file import ArrayFile
from face1d_ros.train.identity import MOTIONS, RATES, REPETITIONS, WEIGHTS
from face1d_ros.train.recipe import Recipe
from face1d_ros.types import FloatArray

ARRAYS = {
    "maps": "(G, 512, 7, 7) float16, twenty a second, of all clips one after the other",
    "first": "(C + 1,) whole numbers: the row with which each clip begins, at the end G",
    "subject": "(C,) whole numbers: whose face it is",
    "motion": "(C,) whole numbers: which motion, the same in its repetitions alone",
}
SHORTEST = 6
HELD_OUT_EVERY = 4
LEAST_HELD_OUT = 2
TRIMMED = 0.2
"""Of a clip at each end, at most: where the motion lies in it nobody has said."""
BEHIND_A_RATE = 3.0


@dataclass(frozen=True, eq=False)
class MapClips:
    """Each of one motion."""

    maps: NDArray[np.float16]
    """(G, 512, 7, 7)"""
    first: NDArray[np.int64]
    """(C + 1,)"""
    subject: NDArray[np.int64]
    """(C,)"""
    motion: NDArray[np.int64]
    """(C,)"""

    def clip(self, index: int) -> FloatArray:
        """(T, 512, 7, 7), as long as the encoder takes it."""
        return self.maps[self.first[index] : self.first[index + 1]][:FRAMES].astype(np.float32)


def load_map_clips(path: Path) -> MapClips:
    """Of an .npz file, checked. Raises CorpusError."""
    file = ArrayFile(path, "clips of features", ARRAYS)
    maps, first, subject, motion = file.read()
    if maps.dtype != np.float16 or maps.shape[1:] != MAP_SHAPE or not np.isfinite(maps).all():
        raise file.refused(f"maps of {maps.dtype} {maps.shape}, or not finite")
    numbers = (first, subject, motion)
    if any(one.dtype.kind not in "iu" or one.ndim != 1 for one in numbers):
        raise file.refused("first, subject and motion of " + ", ".join(f"{one.dtype} {one.shape}" for one in numbers))
    if len(subject) != len(motion) or len(first) != len(subject) + 1:
        raise file.refused(f"{len(first)} first, {len(subject)} subject, {len(motion)} motion")
    if first[0] != 0 or first[-1] != len(maps) or (np.diff(first.astype(np.int64)) < SHORTEST).any():
        raise file.refused(f"a `first` that does not rise from 0 to G by {SHORTEST} or more")
    return MapClips(maps, *(one.astype(np.int64) for one in numbers))


class MapMotions:
    """What the loop needs to know of this task. Every fourth subject is judged by, and never trained on."""

    def __init__(self, recipe: Recipe, clips: MapClips) -> None:
        """Raises CorpusError for too few people, or a recipe that makes no such network."""
        subjects = np.unique(clips.subject)
        is_held = np.arange(len(subjects)) % HELD_OUT_EVERY == HELD_OUT_EVERY - 1
        if is_held.sum() < LEAST_HELD_OUT:
            least = LEAST_HELD_OUT * HELD_OUT_EVERY
            raise CorpusError(f"{len(subjects)} people, expected {least} at least: every fourth is held out")
        self._clips, self._subjects, self._held = clips, subjects[~is_held], subjects[is_held]
        self._loss, self._trimming, self._weights = recipe.loss, recipe.trimming, WEIGHTS | recipe.weights
        self._rows, self._seed, self._taken = recipe.rows, recipe.seed, 0
        self.network = new_network(recipe)

    @property
    def people(self) -> tuple[int, int]:
        """Trained on, and judged by."""
        return len(self._subjects), len(self._held)

    def losses(self, share: float) -> dict[str, Tensor]:
        """That of a batch of subjects."""
        rng = np.random.default_rng((self._seed, self._taken))
        self._taken += 1
        clips: list[FloatArray] = []
        numbers: list[tuple[int, int]] = []
        for subject in rng.choice(self._subjects, min(self._rows, len(self._subjects)), replace=False):
            motions = np.unique(self._clips.motion[self._clips.subject == subject])
            for motion in rng.permutation(motions)[:MOTIONS]:
                there = np.flatnonzero((self._clips.subject == subject) & (self._clips.motion == motion))
                for index in rng.choice(there, min(REPETITIONS, len(there)), replace=False):
                    clips.append(self._trimmed(rng, self._clips.clip(index)))
                    numbers.append((int(motion), int(subject)))
        vectors = self.network.encoded(*side_by_side(clips))
        pairs = Pairs.of(*torch.tensor(numbers).T)
        if self._loss == CONTRASTIVE:
            return {"loss": contrastive_loss(vectors, pairs, self._weights["boundary"])}
        return {"loss": n_pair_loss(vectors, pairs, self._weights["temperature"])}

    def judge(self, network: MotionEncoder) -> dict[str, float]:
        """Figures on the people held out, pairs within a subject."""
        scores, same, within = self._pairs(network)
        found = verification(scores[within], same[within])
        return {"average_precision": found.average_precision, "peak_f1": found.peak_f1, "eer": found.eer}

    def operating_points(self, network: MotionEncoder) -> list[list[float]]:
        """False match rates and the thresholds that keep them, the higher of those within subjects and across.

        Raises CorpusError where too few pairs stand behind any rate.
        """
        scores, same, within = self._pairs(network)
        both = [np.sort(scores[part & ~same])[::-1] for part in (within, ~within)]
        rates = [rate for rate in RATES if all(rate * len(part) >= BEHIND_A_RATE for part in both)]
        if len(rates) < 2:
            came = " and ".join(str(len(part)) for part in both)
            raise CorpusError(f"{came} impostor pairs within and across people tell no false match rate; bring more")
        thresholds = [max(float(part[int(rate * len(part))]) for part in both) for rate in rates]
        return [[rate, min(math.ceil(one * 1e4) / 1e4, 1.0)] for rate, one in zip(rates, thresholds, strict=True)]

    def state(self) -> dict[str, Tensor]:
        """How many batches were taken."""
        return {"taken": torch.tensor(self._taken)}

    def go_on_from(self, state: dict[str, Tensor]) -> None:
        """Stand there again."""
        self._taken = int(state["taken"])

    def _trimmed(self, rng: np.random.Generator, clip: FloatArray) -> FloatArray:
        most = int(TRIMMED * len(clip)) if self._trimming else 0
        begin, end = rng.integers(0, most + 1, 2)
        return clip[begin : len(clip) - end]

    def _pairs(self, network: MotionEncoder) -> tuple[FloatArray, NDArray[np.bool_], NDArray[np.bool_]]:
        """Of all clips of the people held out: similarity, whether it is one motion, whether one person."""
        rows = np.flatnonzero(np.isin(self._clips.subject, self._held))
        with torch.inference_mode():
            vectors = np.concatenate([network.encoded(*side_by_side([self._clips.clip(i)])).numpy() for i in rows])
        first, second = np.triu_indices(len(rows), 1)
        within = self._clips.subject[rows][first] == self._clips.subject[rows][second]
        same = within & (self._clips.motion[rows][first] == self._clips.motion[rows][second])
        return (vectors @ vectors.T)[first, second], same, within


def side_by_side(clips: list[FloatArray]) -> tuple[Tensor, Tensor]:
    """(C, T, 512, 7, 7) and mask (C, T)."""
    longest = max(len(clip) for clip in clips)
    maps, mask = torch.zeros(len(clips), longest, *MAP_SHAPE), torch.zeros(len(clips), longest)
    for row, clip in enumerate(clips):
        maps[row, : len(clip)] = torch.from_numpy(clip)
        mask[row, : len(clip)] = 1.0
    return maps, mask


def new_network(recipe: Recipe) -> MotionEncoder:
    """With random weights from the recipe's seed. Raises CorpusError."""
    torch.manual_seed(recipe.seed)
    try:
        network = make_network(recipe.family, recipe.config)
    except ValueError as error:
        raise CorpusError(f"the recipe makes no network: {error}") from error
    if not isinstance(network, MotionEncoder) or network.config.spatial != MAPS:
        raise CorpusError(f"the recipe's network reads no features; expected family motion_encoder, spatial {MAPS}")
    return network
