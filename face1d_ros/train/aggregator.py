"""Training of what joins the embeddings of a face: sequences of one person near each other, of others apart.

Compared with the running mean of the same sequences, always. Letters: C sequences of a batch, T embeddings, D numbers.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from face1d_ros.errors import CorpusError
from face1d_ros.evaluate.verification import Verification, verification
from face1d_ros.nets.embedding_lstm import EmbeddingLstm
from face1d_ros.nets.families import make_network
from face1d_ros.nets.motion_loss import Pairs, n_pair_loss
from face1d_ros.train.embedding_sequences import EmbeddingSequences
from face1d_ros.train.recipe import Recipe
from face1d_ros.types import FloatArray

TEMPERATURE = {"temperature": 0.1}
SHORTEST = 3
"""Views in the shortest sequence, as the identity stage asks for."""
LONGEST = 64
"""Views of a sequence by which it is judged."""
RATES = (0.1, 0.03, 0.01, 0.003, 1e-3, 3e-4, 1e-4, 1e-5)
BEHIND_A_RATE = 3.0
"""False matches behind the lowest rate whose threshold is told."""


class Aggregates:
    """What the loop needs to know of this task."""

    def __init__(self, recipe: Recipe, training: EmbeddingSequences, judged: EmbeddingSequences) -> None:
        self._training, self._judged = training, judged
        self._of_subject = {one: np.flatnonzero(training.subject == one) for one in np.unique(training.subject)}
        self._subjects = np.array(list(self._of_subject))
        self._rows, self._frames, self._seed, self._taken = recipe.rows, recipe.frames, recipe.seed, 0
        self._temperature = (TEMPERATURE | recipe.weights)["temperature"]
        self.network = new_network(recipe, training.embeddings.shape[1])

    def losses(self, share: float) -> dict[str, Tensor]:
        """That of parts of two sequences of each of a few people."""
        rng = np.random.default_rng((self._seed, self._taken))
        self._taken += 1
        parts: list[FloatArray] = []
        people: list[int] = []
        for subject in rng.choice(self._subjects, min(self._rows, len(self._subjects)), replace=False):
            for index in rng.choice(self._of_subject[subject], 2, replace=False):
                parts.append(self._part(rng, self._training.sequence(index)))
                people.append(int(subject))
        vectors = aggregates(self.network, parts)
        same = torch.tensor(people)[:, None] == torch.tensor(people)[None, :]
        other = ~torch.eye(len(people), dtype=torch.bool)
        return {"loss": n_pair_loss(vectors, Pairs(same & other, ~same), self._temperature)}

    def judge(self, network: EmbeddingLstm) -> dict[str, float]:
        """Figures on other people, all pairs of sequences; those of the running mean behind them."""
        figures: dict[str, float] = {}
        for prefix, vectors in (("", self.vectors(network)), ("mean_", mean_vectors(self._judged))):
            found = self._compared(vectors)
            figures |= {
                f"{prefix}average_precision": found.average_precision,
                f"{prefix}eer": found.eer,
                f"{prefix}fnmr_at_1e-2": found.at_fmr[0].fnmr,
            }
        return figures

    def vectors(self, network: EmbeddingLstm) -> FloatArray:
        """(S, D) of the sequences by which it is judged."""
        parts = [self._judged.sequence(index)[:LONGEST] for index in range(len(self._judged))]
        with torch.inference_mode():
            return np.concatenate([aggregates(network, [part]).numpy() for part in parts])

    def operating_points(self, network: EmbeddingLstm) -> list[list[float]]:
        """False match rates, and the thresholds that keep them among those people. Raises CorpusError."""
        scores, genuine = self._pairs(self.vectors(network))
        others = np.sort(scores[~genuine])[::-1]
        rates = [rate for rate in RATES if rate * len(others) >= BEHIND_A_RATE]
        if len(rates) < 2:
            raise CorpusError(f"{len(others)} pairs of different people tell no false match rate; bring more people")
        thresholds = [min(math.ceil(float(others[int(rate * len(others))]) * 1e4) / 1e4, 1.0) for rate in rates]
        return [[rate, threshold] for rate, threshold in zip(rates, thresholds, strict=True)]

    def state(self) -> dict[str, Tensor]:
        """How many batches were taken."""
        return {"taken": torch.tensor(self._taken)}

    def go_on_from(self, state: dict[str, Tensor]) -> None:
        """Stand there again."""
        self._taken = int(state["taken"])

    def _part(self, rng: np.random.Generator, sequence: FloatArray) -> FloatArray:
        """From anywhere in it, of any length up to the recipe's."""
        longest = min(len(sequence), self._frames)
        length = int(rng.integers(min(SHORTEST, longest), longest + 1))
        begin = int(rng.integers(0, len(sequence) - length + 1))
        return sequence[begin : begin + length]

    def _compared(self, vectors: FloatArray) -> Verification:
        return verification(*self._pairs(vectors))

    def _pairs(self, vectors: FloatArray) -> tuple[FloatArray, np.ndarray]:
        first, second = np.triu_indices(len(vectors), 1)
        subject = self._judged.subject
        return (vectors @ vectors.T)[first, second], subject[first] == subject[second]


def aggregates(network: EmbeddingLstm, sequences: list[FloatArray]) -> Tensor:
    """(C, D) what the network gives after the last view of each."""
    lengths = torch.tensor([len(one) for one in sequences])
    given = torch.zeros(len(sequences), int(lengths.max()), sequences[0].shape[1])
    for row, one in enumerate(sequences):
        given[row, : len(one)] = torch.from_numpy(np.ascontiguousarray(one))
    outputs, _ = network.sequence({"embedding": given})
    return outputs["aggregate"][torch.arange(len(sequences)), lengths - 1]


def mean_vectors(sequences: EmbeddingSequences) -> FloatArray:
    """(S, D) running means of the same views."""
    means = np.stack([sequences.sequence(index)[:LONGEST].mean(axis=0) for index in range(len(sequences))])
    return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), np.float32)


def new_network(recipe: Recipe, dimension: int) -> EmbeddingLstm:
    """With random weights from the recipe's seed. Raises CorpusError."""
    torch.manual_seed(recipe.seed)
    try:
        network = make_network(recipe.family, {**recipe.config, "embedding": dimension})
    except ValueError as error:
        raise CorpusError(f"the recipe makes no network: {error}") from error
    if not isinstance(network, EmbeddingLstm):
        raise CorpusError(f"family '{recipe.family}' joins no embeddings; docs/appearance.md names the one that does")
    return network
