"""The mesh stage: pose and asymmetry without a network, coefficients with one, and nothing bad let through."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from mesh_faces import BEGIN_NS, EXPRESSIONS, IDENTITY, camera_of, frame, frame_of, seen, write_mesh

from face1d_ros.config import MeshConfig
from face1d_ros.errors import InvalidValueError
from face1d_ros.stages.mesh import MeshStage
from face1d_ros.stages.mesh_identity import RunningIdentity
from face1d_ros.stages.mesh_pose import TO_ROS, corrected, quaternion
from face1d_ros.synth.corpus.fixed_sets import load_small_test_set, select
from face1d_ros.synth.sequence import Sequence, rotations
from face1d_ros.types import FaceMesh, FaceMeshArray, TrackState

CLOSED = MeshConfig(model="none")


@pytest.fixture
def sequence() -> Sequence:
    return select(load_small_test_set(), "mesh")[0]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_mesh(tmp_path_factory.mktemp("mesh") / "tiny_mesh"))


@pytest.fixture
def network(bundle: str) -> Iterator[MeshStage]:
    stage = MeshStage(MeshConfig(model=bundle, engine="onnxruntime"))
    yield stage
    stage.close()


def matrix(mesh: FaceMesh) -> np.ndarray:
    """The rotation from the facing frame to the camera."""
    x, y, z, w = mesh.pose.orientation
    v = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return (np.eye(3) + 2 * w * v + 2 * v @ v) @ TO_ROS.T


def degrees_between(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip((np.trace(a.T @ b) - 1) / 2, -1, 1))))


def test_without_a_network_the_head_is_placed_in_metres(sequence: Sequence):
    stage = MeshStage(CLOSED)
    stage.set_camera(camera_of(sequence))
    truth, off_deg, off_m = rotations(sequence.yaw_pitch_roll_rad), [], []
    for index in seen(sequence)[::5]:
        result = stage.process(frame(sequence, index, sequence.clean_px[index]))
        (mesh,) = result.faces
        off_deg.append(degrees_between(matrix(mesh), truth[index]))
        off_m.append(np.abs(mesh.pose.position - sequence.translation_mm[index] / 1000))
        assert not mesh.intrinsics_assumed and 0.3 < mesh.quality < 1.0
        assert mesh.scale == pytest.approx(sequence.plan.camera.focal_px / mesh.pose.position[2])
    assert max(off_deg) < 3.0
    # People's heads differ in size by about a twentieth, and so does their distance.
    assert np.max(off_m, axis=0)[2] < 0.1 * sequence.translation_mm[:, 2].mean() / 1000
    assert result.info.model == "closed form: pose and asymmetry alone" and result.basis == ""
    assert mesh.identity.size == mesh.expression.size == 0


def test_without_camera_info_a_field_of_view_is_assumed_and_said(sequence: Sequence):
    stage, index = MeshStage(CLOSED), int(seen(sequence)[0])
    wide = stage.process(frame(sequence, index)).faces[0]
    stage.configure(dataclasses.replace(CLOSED, field_of_view_deg=30.0))
    narrow = stage.process(frame(sequence, index)).faces[0]
    assert wide.intrinsics_assumed and stage.diagnostics()["camera"] == "assumed"
    assert narrow.pose.position[2] > 1.8 * wide.pose.position[2]


def test_a_camera_of_another_image_size_is_not_used(sequence: Sequence):
    stage = MeshStage(CLOSED)
    stage.set_camera(dataclasses.replace(camera_of(sequence), width=333))
    assert stage.process(frame(sequence, int(seen(sequence)[0]))).faces[0].intrinsics_assumed
    assert stage.diagnostics()["mesh.camera_info of another image size"] == 1


def test_a_network_gives_coefficients_of_the_basis_that_its_manifest_names(network: MeshStage, sequence: Sequence):
    for index in seen(sequence)[:3]:
        result = network.process(frame(sequence, index))
    (mesh,) = result.faces
    assert (result.basis, result.basis_sha256, result.expression_names) == ("tiny", "0" * 64, EXPRESSIONS)
    assert result.info.model == "tiny_mesh 0" and result.info.engine == "onnxruntime-cpu"
    assert mesh.expression.shape == (3,) and (mesh.expression >= 0.0).all() and (mesh.expression <= 1.0).all()
    assert mesh.identity.shape == mesh.identity_stddev.shape == (IDENTITY,)
    assert mesh.identity_frames == 3


def test_all_faces_go_through_in_one_call_and_each_keeps_its_own_identity(network: MeshStage, sequence: Sequence):
    first, second = seen(sequence)[[0, -1]]
    one, other = frame(sequence, first).faces[0], frame(sequence, second, track_id=2).faces[0]
    both = network.process(frame_of([one, other], BEGIN_NS, sequence)).faces
    network.reset()
    alone = network.process(frame_of([other], BEGIN_NS, sequence)).faces[0]
    np.testing.assert_allclose(both[1].identity, alone.identity, atol=1e-4)
    assert np.abs(both[0].identity - both[1].identity).max() > 1e-3


def test_identity_is_forgotten_with_the_id_and_a_predicted_face_adds_nothing(network: MeshStage, sequence: Sequence):
    a, b, c = seen(sequence)[:3]
    network.process(frame(sequence, a))
    bridged = network.process(frame(sequence, b, state=TrackState.BRIDGED)).faces[0]
    assert bridged.identity_frames == 1
    ended = dataclasses.replace(frame(sequence, c), ended_track_ids=(1,))
    assert network.process(ended).faces[0].identity_frames == 1
    assert network.process(frame(sequence, a)).faces[0].identity_frames == 1, "after a stamp that went back"


def test_identity_gets_sharper_with_time_but_not_as_if_frames_were_independent():
    known = RunningIdentity(1)
    for index in range(91):
        known.add(np.array([1.0 + (-1.0) ** index]), np.array([0.0]), 0.0 if index == 0 else 1 / 30)
    assert 1 / np.sqrt(91) < float(known.stddev[0]) < 0.5
    assert known.mean[0] == pytest.approx(1.0, abs=0.2)
    known.add(np.array([5.0]), np.array([10.0]), 1 / 30)
    assert known.mean[0] == pytest.approx(1.0, abs=0.2), "what is unsure counts little"


@pytest.mark.parametrize("spoil", [np.nan, np.inf, 1e30])
def test_bad_landmarks_are_refused_and_leave_no_trace(network: MeshStage, sequence: Sequence, spoil: float):
    first, second, third = seen(sequence)[:3]
    network.process(frame(sequence, first))
    without = network.process(frame(sequence, third)).faces[0]
    network.reset()
    network.process(frame(sequence, first))
    bad = sequence.observed[second].copy()
    bad[7, 1] = spoil
    assert network.process(frame(sequence, second, bad)).faces == ()
    after = network.process(frame(sequence, third)).faces[0]
    assert is_finite(after)
    np.testing.assert_array_equal(after.identity, without.identity)
    np.testing.assert_array_equal(after.expression, without.expression)


def is_finite(mesh: FaceMesh) -> bool:
    parts = (mesh.identity, mesh.identity_stddev, mesh.expression, mesh.pose.position, mesh.pose.orientation)
    return all(np.isfinite(part).all() for part in parts)


def test_an_answer_that_cannot_be_meant_is_refused(
    network: MeshStage, sequence: Sequence, monkeypatch: pytest.MonkeyPatch
):
    runner = network._runner
    assert runner is not None
    step, index = runner.step, int(seen(sequence)[0])

    def spoiled(*arguments: object) -> dict[str, np.ndarray]:
        outputs = {name: array.copy() for name, array in step(*arguments).items()}  # type: ignore[arg-type]
        outputs["expression"][0, 1] = np.nan
        return outputs

    monkeypatch.setattr(runner, "step", spoiled)
    mesh = network.process(frame(sequence, index)).faces[0]
    assert mesh.expression.size == 0 and np.isfinite(mesh.pose.position).all()
    assert network.diagnostics()["mesh.answers refused"] == 1


def test_a_repeated_stamp_is_no_step_in_time(network: MeshStage, sequence: Sequence):
    index = int(seen(sequence)[0])
    network.process(frame(sequence, index))
    again = network.process(frame(sequence, index)).faces[0]
    assert again.expression.size == 0 and np.isfinite(again.pose.position).all()
    assert network.diagnostics()["mesh.stamp repeated"] == 1


def test_the_same_frames_give_the_same_values(bundle: str, sequence: Sequence):
    def run() -> list[FaceMeshArray]:
        stage = MeshStage(MeshConfig(model=bundle, engine="onnxruntime"))
        results = [stage.process(frame(sequence, index)) for index in seen(sequence)[:10]]
        stage.close()
        return results

    for one, other in zip(run(), run(), strict=True):
        np.testing.assert_array_equal(one.faces[0].identity, other.faces[0].identity)
        np.testing.assert_array_equal(one.faces[0].pose.position, other.faces[0].pose.position)


def test_bundles_that_are_none_of_a_mesh_are_refused(tmp_path: Path):
    folder = write_mesh(tmp_path / "odd", anchors=[33, 478, 362, 263, 1])
    with pytest.raises(InvalidValueError, match=r"settings\.anchors.*from 0 to 477"):
        MeshStage(MeshConfig(model=str(folder)))
    with pytest.raises(InvalidValueError, match="one of auto, none"):
        MeshStage(MeshConfig(model="nothing_like_it"))


def test_a_rotation_becomes_a_quaternion_and_a_correction_turns_the_head():
    rng = np.random.default_rng(1)
    for _ in range(50):
        q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        rotation = q * np.sign(np.linalg.det(q))
        x, y, z, w = quaternion(rotation)
        v = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        np.testing.assert_allclose(np.eye(3) + 2 * w * v + 2 * v @ v, rotation, atol=1e-12)
    yaw = np.array([0.0, 0.3, 0.0])
    turned = corrected(np.eye(3), yaw)
    np.testing.assert_allclose(turned[0], [np.cos(0.3), 0.0, np.sin(0.3)], atol=1e-12)
    np.testing.assert_allclose(corrected(turned, -yaw), np.eye(3), atol=1e-12)
