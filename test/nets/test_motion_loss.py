"""The losses of the paper, against its equations written out pair by pair."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from face1d_ros.nets.motion_loss import Pairs, contrastive_loss, n_pair_loss

BOUNDARY, TEMPERATURE = 0.2, 0.3


def batch() -> tuple[Tensor, Tensor, Tensor]:
    """Vectors of two subjects with two motions of three clips each, motions, subjects."""
    vectors = torch.randn(12, 6, generator=torch.Generator().manual_seed(1))
    motions, subjects = torch.arange(12) // 3, torch.arange(12) // 6
    return vectors / vectors.norm(dim=1, keepdim=True), motions, subjects


def one_subject() -> tuple[Tensor, Tensor, Tensor]:
    return tuple(tensor[:6] for tensor in batch())  # type: ignore[return-value]


def test_contrastive_loss_is_that_of_equations_1_and_2() -> None:
    vectors, motions, subjects = one_subject()
    count, total = len(vectors), 0.0
    for i in range(count):
        for j in range(count):
            alike = float(vectors[i] @ vectors[j])
            each = 1.0 - alike if motions[i] == motions[j] else max(0.0, alike - BOUNDARY)
            total += each / (count - 1) / count if i != j else 0.0
    assert float(contrastive_loss(vectors, Pairs.of(motions, subjects), BOUNDARY)) == pytest.approx(total, rel=1e-5)


def test_n_pair_loss_is_that_of_equations_5_and_6() -> None:
    vectors, motions, subjects = one_subject()
    count, total = len(vectors), 0.0
    for i in range(count):
        others = [j for j in range(count) if j != i]
        below = sum(math.exp(float(vectors[i] @ vectors[k]) / TEMPERATURE) for k in others)
        same = [j for j in others if motions[i] == motions[j]]
        total += (
            sum(-math.log(math.exp(float(vectors[i] @ vectors[j]) / TEMPERATURE) / below) for j in same)
            / len(same)
            / count
        )
    assert float(n_pair_loss(vectors, Pairs.of(motions, subjects), TEMPERATURE)) == pytest.approx(total, rel=1e-5)


@pytest.mark.parametrize(("loss", "setting"), [(contrastive_loss, BOUNDARY), (n_pair_loss, TEMPERATURE)])
def test_clips_of_different_subjects_are_no_pairs(loss: object, setting: float) -> None:
    vectors, motions, subjects = batch()
    assert callable(loss)
    parts = [
        float(loss(vectors[rows], Pairs.of(motions[rows], subjects[rows]), setting))
        for rows in (slice(6), slice(6, 12))
    ]
    assert float(loss(vectors, Pairs.of(motions, subjects), setting)) == pytest.approx(sum(parts) / 2, rel=1e-5)


@pytest.mark.parametrize(("loss", "setting"), [(contrastive_loss, BOUNDARY), (n_pair_loss, TEMPERATURE)])
def test_a_clip_alone_gives_a_finite_loss(loss: object, setting: float) -> None:
    assert callable(loss)
    vectors = torch.eye(3)
    numbers = torch.arange(3)
    assert float(loss(vectors, Pairs.of(numbers, numbers), setting)) == 0.0


def test_what_is_told_apart_perfectly_costs_nothing() -> None:
    vectors = torch.eye(2).repeat_interleave(3, dim=0)
    motions, subjects = torch.arange(6) // 3, torch.zeros(6)
    assert float(contrastive_loss(vectors, Pairs.of(motions, subjects), 0.0)) == pytest.approx(0.0, abs=1e-6)


def test_two_motions_of_the_same_gestures_are_no_pair() -> None:
    vectors, motions, subjects = one_subject()
    gestures = torch.zeros_like(motions)
    pairs = Pairs.of(motions, subjects, gestures)
    assert not pairs.different.any() and bool((pairs.same.sum(dim=1) == 2).all())
    assert float(n_pair_loss(vectors, pairs, TEMPERATURE)) < float(
        n_pair_loss(vectors, Pairs.of(motions, subjects), TEMPERATURE)
    )
