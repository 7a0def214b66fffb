"""Figures of mesh models, and the rotations that they are made of."""

from __future__ import annotations

import numpy as np
import pytest

from face1d_ros.evaluate.mesh import flicker, running_identity
from face1d_ros.evaluate.mesh_models import rotations_of
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.synth.sequence import rotations
from face1d_ros.train.mesh_frames import batch_of, rotation_vectors


def test_a_frame_that_knows_more_counts_more() -> None:
    identity = np.array([[0.0], [3.0]], np.float32)
    found = running_identity(identity, np.array([[1.0], [0.5]], np.float32))
    np.testing.assert_allclose(found[:, 0], [0.0, 2.0], atol=1e-6)


def test_flicker_is_measured_where_the_true_face_is_still() -> None:
    truth = np.array([[0.0], [0.0], [0.5]], np.float32)
    assert flicker(np.array([[0.1], [0.3], [0.9]], np.float32), truth) == pytest.approx(0.2)
    assert np.isnan(flicker(truth, np.array([[0.0], [0.5], [0.0]], np.float32)))


def test_rotation_vectors_and_rotations_are_each_others_inverse() -> None:
    vectors = np.array([[0.3, -0.2, 0.5], [0.0, 0.0, 0.0], [1.5, 0.1, -2.0]])
    np.testing.assert_allclose(rotation_vectors(rotations_of(vectors)), vectors, atol=1e-9)


def test_the_rotation_to_be_learned_leads_from_the_alignment_to_the_head() -> None:
    rng = np.random.default_rng(5)
    turn = rng.uniform(-0.5, 0.5, (3, 3)).astype(np.float32)
    heads = (10.0 * canonical_face().points_cm + rng.normal(0.0, 4.0, (3, 478, 3))).astype(np.float32)
    batch = batch_of(heads, np.ones((3, 478), np.float32), turn, np.zeros((3, 5), np.float32))
    aligned = rotations(batch.inputs["turn"].numpy()).astype(np.float64)
    np.testing.assert_allclose(aligned @ rotations_of(batch.rotation.numpy()), rotations(turn), atol=1e-5)
