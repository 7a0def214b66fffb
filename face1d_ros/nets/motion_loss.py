"""Losses of Sun et al. (Electronics 2022, Section 2.3): contrastive (1, 2) and N-pair (5, 6), pairs of one subject.

Letters: N clips of a batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

CONTRASTIVE, N_PAIR = "contrastive", "n_pair"
NOT_A_PAIR = -1e4


def similarities(vectors: Tensor) -> Tensor:
    """(N, N) cosines of unit vectors (N, E) (4)."""
    return vectors @ vectors.T


@dataclass(frozen=True, eq=False)
class Pairs:
    """Which clips of a batch are compared."""

    same: Tensor
    """(N, N) two clips of one motion of one subject."""
    different: Tensor
    """(N, N) two motions of one subject."""

    @classmethod
    def of(cls, motions: Tensor, subjects: Tensor, gestures: Tensor | None = None) -> Pairs:
        """From numbers (N,): clips of different subjects are no pair, nor two motions made of the same gestures."""
        alike = _equal(motions)
        pair = _equal(subjects) & ~torch.eye(len(subjects), dtype=torch.bool)
        known = torch.ones_like(pair) if gestures is None else ~_equal(gestures)
        return cls(alike & pair, ~alike & pair & known)

    @property
    def any(self) -> Tensor:
        """(N, N) either."""
        return self.same | self.different


def contrastive_loss(vectors: Tensor, pairs: Pairs, boundary: float) -> Tensor:
    """(1, 2): what is the same is drawn together, what is not is pushed apart until `boundary`, the paper's m_c.

    The mean is over the pairs there are.
    """
    alike = similarities(vectors)
    pair, same = pairs.any, pairs.same
    each = torch.where(same, 1.0 - alike, torch.relu(alike - boundary))
    per_clip = (each * pair).sum(dim=1) / pair.sum(dim=1).clamp(min=1)
    return per_clip.mean()


def n_pair_loss(vectors: Tensor, pairs: Pairs, temperature: float) -> Tensor:
    """(5, 6): of each clip against all others of the subject, over those of the same motion."""
    scaled = torch.where(pairs.any, similarities(vectors) / temperature, NOT_A_PAIR)
    lost = torch.logsumexp(scaled, dim=1, keepdim=True) - scaled
    return ((lost * pairs.same).sum(dim=1) / pairs.same.sum(dim=1).clamp(min=1)).mean()


def _equal(numbers: Tensor) -> Tensor:
    """(N, N)"""
    return numbers[:, None] == numbers[None, :]
