from __future__ import annotations

from pathlib import Path

import make_topology
import numpy as np
import pytest

from face1d_ros.geometry.canonical import TABLE, canonical_face
from face1d_ros.geometry.topology import curve

DATA = Path(__file__).parents[3] / "shared" / "data" / "mediapipe_face_geometry"


@pytest.mark.skipif(not DATA.is_dir(), reason=f"MediaPipe's canonical face model is not at {DATA}")
def test_the_stored_table_is_what_the_script_makes_of_the_model() -> None:
    made = make_topology.build(DATA)
    with np.load(TABLE, allow_pickle=False) as stored:
        assert set(stored.files) == set(made)
        for name, array in made.items():
            np.testing.assert_array_equal(stored[name], array, err_msg=name, strict=True)


@pytest.mark.skipif(not DATA.is_dir(), reason=f"MediaPipe's canonical face model is not at {DATA}")
def test_the_stored_points_are_the_models() -> None:
    lines = (DATA / "canonical_face_model.obj").read_text().splitlines()
    model = np.array([line.split()[1:] for line in lines if line.startswith("v ")], float)
    np.testing.assert_allclose(canonical_face().points_cm[:468] * [1, -1, -1], model, atol=1e-6)


def test_an_asymmetric_model_is_refused() -> None:
    points = np.array([[-1.0, 0, 0], [1.0, 0.1, 0], [0, 1.0, 0]])
    with pytest.raises(SystemExit, match="not symmetric"):
        make_topology.mirror_partners(points)


def test_the_face_looks_along_minus_z_with_the_nose_in_front() -> None:
    face = canonical_face()
    assert face.points_cm[:, 2].argmin() == 4
    assert (face.normals[:, 2] < 0).all()
    np.testing.assert_allclose(np.linalg.norm(face.normals, axis=1), 1.0)
    cheek_right, cheek_left = 234, 454
    assert face.normals[cheek_right, 0] < -0.9 and face.normals[cheek_left, 0] > 0.9


def test_normals_are_mirror_images() -> None:
    face = canonical_face()
    np.testing.assert_allclose(face.normals[face.partner], face.normals * [-1, 1, 1], atol=1e-4)


def test_pose_weights_leave_out_what_moves_with_expression() -> None:
    weights = canonical_face().pose_weights
    assert (weights > 0).sum() == 33
    np.testing.assert_array_equal(weights[curve("inner_lips").indices], 0.0)
    np.testing.assert_array_equal(weights[curve("jaw").indices[[11]]], 0.0)
