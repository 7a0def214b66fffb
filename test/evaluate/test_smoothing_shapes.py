"""Faces outside the face model: other shapes, the same detector's error."""

from __future__ import annotations

import numpy as np
import pytest

from face1d_ros.evaluate.smoothing_shapes import STRENGTH, other_face, smooth_field
from face1d_ros.evaluate.smoothing_tracks import synthetic_track
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.synth.corpus.fixed_sets import load_small_test_set, select
from face1d_ros.types import Topology


def test_the_field_is_of_unit_strength_without_a_shift_and_smooth() -> None:
    field = smooth_field(np.random.default_rng(3), Topology.MESH_478)
    assert np.sqrt((field**2).sum(axis=1).mean()) == pytest.approx(1.0)
    np.testing.assert_allclose(field.mean(axis=0), 0.0, atol=1e-12)
    apart = np.linalg.norm(canonical_face().points_cm[:, None] - canonical_face().points_cm, axis=2)
    change = np.linalg.norm(field[:, None] - field, axis=2)
    near, far = change[(apart > 0.0) & (apart < 0.5)].mean(), change[apart > 6.0].mean()
    assert near < 0.3 * far


def test_points_move_by_a_share_of_the_face_and_the_error_stays() -> None:
    sequence = select(load_small_test_set(), "smoothing")[0]
    track, moved = synthetic_track(sequence, Topology.MESH_478), other_face(sequence, Topology.MESH_478)
    shift = np.linalg.norm(moved.truth - track.truth, axis=2) / np.ptp(track.truth, axis=1).max(axis=1)[:, None]
    # The plane shows two of three coordinates.
    assert np.sqrt((shift**2).mean()) == pytest.approx(STRENGTH * np.sqrt(2.0 / 3.0), rel=0.3)
    before, after = (one.observed[..., :2] - one.truth for one in (track, moved))
    np.testing.assert_allclose(after[track.seen], before[track.seen], atol=2e-3)


def test_the_same_person_has_the_same_other_face() -> None:
    sequence = select(load_small_test_set(), "smoothing")[0]
    np.testing.assert_array_equal(
        other_face(sequence, Topology.FACE_68).truth, other_face(sequence, Topology.FACE_68).truth
    )
