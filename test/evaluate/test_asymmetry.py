"""What is measured of the asymmetry index."""

from __future__ import annotations

import math

import numpy as np
import pytest

from face1d_ros.evaluate.asymmetry import Indexed, asymmetry_figures, figures_of
from face1d_ros.evaluate.asymmetry_faces import YAW_RAD, mirrored, symmetric
from face1d_ros.geometry.topology import partner
from face1d_ros.synth.corpus.fixed_sets import load_small_test_set, select
from face1d_ros.synth.noise.model import load_noise_model
from face1d_ros.synth.sequence import Sequence, rotations


def upright(sequence: Sequence) -> np.ndarray:
    """(T, N, 3) clean points in the head's own frame, mm."""
    moved = sequence.points_mm - sequence.translation_mm[:, None]
    return np.matmul(moved, rotations(sequence.yaw_pitch_roll_rad))


def palsy(weakness: float, index: float, named: str = "left", side: str = "left") -> Indexed:
    return Indexed("palsy-graded/000", side, weakness, index, named)


def test_ranks_and_sides_are_counted() -> None:
    found = [palsy(0.1, math.nan, ""), palsy(0.4, 0.3), palsy(0.6, 0.2), palsy(0.9, 0.8, "right")]
    figures = figures_of(found, [palsy(0.9, 0.8, "right", "right")], [Indexed("mesh/000", "", 0.0, 0.2, "left")])
    # Ranks 1 2 3 4 against 1 3 2 4.
    assert figures.spearman == pytest.approx(0.8)
    assert figures.side_accuracy == pytest.approx(2 / 3)
    assert figures.false_sides == 2


def test_without_palsies_there_are_no_figures() -> None:
    figures = figures_of([], [], [])
    assert math.isnan(figures.spearman) and math.isnan(figures.side_accuracy) and figures.false_sides == 0


def test_a_symmetric_face_is_its_own_mirror_image_and_turns_less() -> None:
    sequence = select(load_small_test_set(), "mesh")[0]
    made = symmetric(sequence, load_noise_model())
    points = upright(made)
    flipped = points[:, partner(made.topology)] * np.array([-1.0, 1.0, 1.0], np.float32)
    np.testing.assert_allclose(points, flipped, atol=0.02)
    assert np.abs(made.yaw_pitch_roll_rad[:, 0]).max() == pytest.approx(YAW_RAD, abs=1e-3)
    off = np.abs(upright(sequence) - points).max()
    assert 0.1 < off < 20.0
    wrong = (made.observed - made.clean_px)[made.seen]
    assert 0.0 < np.abs(wrong).mean() < 0.05 * np.ptp(made.clean_px[0, :, 0])


def test_a_mirror_swaps_sides_and_leaves_heights() -> None:
    sequence = select(load_small_test_set(), "palsy-graded")[0]
    made = mirrored(sequence)
    before, after = (one.plan.subject.style.palsy for one in (sequence, made))
    assert before is not None and after is not None and {before.side, after.side} == {"left", "right"}
    other = partner(sequence.topology)
    seen = sequence.seen
    np.testing.assert_array_equal(made.observed[seen][:, :, 1:], sequence.observed[seen][:, other, 1:])
    width = sequence.plan.camera.width
    np.testing.assert_allclose(made.observed[seen][..., 0] + sequence.observed[seen][:, other, 0], width - 1, atol=1e-3)
    np.testing.assert_array_equal(mirrored(made).point_confidence, sequence.point_confidence)


def test_sides_of_strong_palsies_are_named_here_and_in_a_mirror_and_those_of_symmetric_faces_are_not() -> None:
    small = load_small_test_set()
    strong = [one for one in select(small, "palsy-graded") if one.plan.subject.style.palsy.eye > 0.5]
    told: list[None] = []
    turning, others = select(small, "mesh")[:2], select(small, "idle")[:1]
    figures = asymmetry_figures([*strong[:2], *turning, *others], lambda: told.append(None))
    assert len(told) == 4
    assert len(figures.palsies) == len(figures.mirrored) == len(figures.symmetric) == 2
    assert figures.side_accuracy == 1.0 and figures.false_sides == 0
    for one, other in zip(figures.palsies, figures.mirrored, strict=True):
        assert {one.weaker_side, other.weaker_side} == {"left", "right"}
        assert other.index == pytest.approx(one.index, abs=0.1)
    assert [one.weaker_side for one in figures.symmetric] == ["", ""]
