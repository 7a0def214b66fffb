"""The asymmetry index on synthetic people with a palsy, as the shipped test set has them."""

from __future__ import annotations

import numpy as np
import pytest
from mesh_faces import camera_of, frame, seen
from scipy.stats import spearmanr

from face1d_ros.config import MeshConfig
from face1d_ros.stages.mesh import MeshStage
from face1d_ros.synth.corpus.fixed_sets import load_small_test_set, select
from face1d_ros.synth.sequence import Sequence
from face1d_ros.types import FaceAsymmetry, Side

CERTAIN = 0.5
"""Weakness."""
SURE = 0.37
"""Confidence: within four seconds some faces hardly move."""


def said_of(sequence: Sequence, points: np.ndarray) -> FaceAsymmetry:
    stage = MeshStage(MeshConfig(model="none"))
    stage.set_camera(camera_of(sequence))
    said = FaceAsymmetry()
    for index in seen(sequence):
        (mesh,) = stage.process(frame(sequence, index, points[index])).faces
        said = mesh.asymmetry
    return said


@pytest.fixture(scope="module")
def graded() -> list[tuple[float, Side, FaceAsymmetry]]:
    """Weakness, side, and what is said of clean landmarks at the end."""
    found = []
    for sequence in select(load_small_test_set(), "palsy-graded"):
        palsy = sequence.plan.subject.style.palsy
        assert palsy is not None
        side = Side.LEFT if palsy.side == "left" else Side.RIGHT
        found.append((palsy.eye, side, said_of(sequence, sequence.clean_px)))
    return found


def test_the_index_rises_with_the_weakness(graded: list[tuple[float, Side, FaceAsymmetry]]):
    sure = [(grade, said.overall) for grade, _, said in graded if said.confidence >= SURE]
    assert len(sure) >= 6
    assert spearmanr(*zip(*sure, strict=True)).statistic > 0.9


def test_strong_weakness_is_named_with_its_side_and_no_other_side_ever(graded: list[tuple[float, Side, FaceAsymmetry]]):
    strong = [(side, said) for grade, side, said in graded if grade > CERTAIN]
    assert len(strong) == 4 and all(said.weaker_side is side for side, said in strong)
    # Four seconds may go by without much motion: then nothing is said, but nothing wrong.
    assert all(said.weaker_side in (side, Side.NONE) for _, side, said in graded)
