"""Figures of mesh models: frames that are compared, errors of known meshes and poses, closed form in the stage."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from synth.small_face import NAMES, flame_arrays, write
from synth.tiny import tiny_model

from face1d_ros.errors import InvalidValueError
from face1d_ros.evaluate import mesh
from face1d_ros.evaluate.mesh import FRAME, SPANS_S, TrueFaces, flicker, judge, mean, pose_errors, samples
from face1d_ros.evaluate.mesh_models import ClosedFormStage, RidgeSetting, ridge
from face1d_ros.evaluate.mesh_tracks import (
    MM,
    ROUGH,
    Followed,
    MeshTrack,
    follow,
    measured,
    mesh_track,
    rotation_of,
    rough,
    steadied,
)
from face1d_ros.geometry.rigid import rotation_vectors
from face1d_ros.stages.mesh_pose import TO_ROS, corrected, quaternion
from face1d_ros.synth.corpus.fixed_sets import load_small_test_set, select
from face1d_ros.synth.corpus.plans import CorpusPlan
from face1d_ros.synth.faces.model import FaceModel, load_face_model
from face1d_ros.synth.noise.observe import load_noise_model
from face1d_ros.synth.sequence import Sequence, make_sequence, rotations
from face1d_ros.types import FaceLandmarksArray, FaceMesh, FaceMeshArray, TrackState


@pytest.fixture(scope="module")
def sequence() -> Sequence:
    """Two seconds of 68 landmarks of the tiny face model."""
    plan = CorpusPlan("train", 3, 4, 2.0, "expressions", per_subject=1).plan(1)
    return make_sequence(plan, tiny_model(), load_noise_model())


@pytest.fixture(scope="module")
def closed_form() -> ClosedFormStage:
    return ClosedFormStage("ridge", ridge(tiny_model(), RidgeSetting(4.0, 1.0)), tiny_model())


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> FaceModel:
    return load_face_model(write(tmp_path_factory.mktemp("model") / "face.npz", flame_arrays()))


def with_the_face_of(face: FaceModel, sequence: Sequence, identity: tuple[float, ...]) -> Sequence:
    """Truth in that face model's coefficients, at rest."""
    subject = dataclasses.replace(sequence.plan.subject, identity=identity)
    plan = dataclasses.replace(sequence.plan, subject=subject)
    rest = np.zeros((len(sequence), len(face.expression_names)), np.float32)
    return dataclasses.replace(sequence, plan=plan, expression_names=face.expression_names, expression=rest)


class Bridging:
    """A smoothing stage that predicts every third frame and gives nothing for the first."""

    def __init__(self) -> None:
        self.taken = 0

    def reset(self) -> None:
        self.taken = 0

    def process(self, frame: FaceLandmarksArray) -> FaceLandmarksArray | None:
        self.taken += 1
        if self.taken == 1:
            return None
        if self.taken % 3:
            return frame
        faces = tuple(dataclasses.replace(one, state=TrackState.BRIDGED) for one in frame.faces)
        return dataclasses.replace(frame, faces=faces)


def test_flicker_is_measured_where_the_true_face_is_still() -> None:
    truth = np.array([[0.0], [0.0], [0.5]], np.float32)
    assert flicker(np.array([[0.1], [0.3], [0.9]], np.float32), truth) == pytest.approx(0.2)
    assert np.isnan(flicker(truth, np.array([[0.0], [0.5], [0.0]], np.float32)))


def test_a_mean_leaves_out_what_is_not_known() -> None:
    assert mean([1.0, float("nan"), 3.0]) == 2.0
    assert np.isnan(mean([]))


def test_a_published_orientation_is_the_rotation_it_was_made_of() -> None:
    for turn in rotations(np.array([[0.5, -0.3, 0.2], [-0.9, 0.4, -1.2]], np.float32)).astype(np.float64):
        np.testing.assert_allclose(rotation_of(quaternion(turn @ TO_ROS)), turn, atol=1e-6)


def test_rotation_vectors_are_what_the_stage_takes_for_a_correction() -> None:
    vectors = np.array([[0.3, -0.2, 0.5], [0.0, 0.0, 0.0], [1.5, 0.1, -2.0]])
    turned = np.stack([corrected(np.eye(3), vector) for vector in vectors])
    np.testing.assert_allclose(rotation_vectors(turned), vectors, atol=1e-9)
    assert (rotation_vectors(np.full((1, 3, 3), np.nan)) == 0.0).all()


def test_all_spans_are_compared_in_the_same_frames_as_far_as_the_sequence_reaches() -> None:
    long = mesh_track(select(load_small_test_set(), "mesh")[0], None)
    chosen = {span: samples(long, span_s) for span, span_s in SPANS_S.items()}
    assert chosen[FRAME] == chosen["1s"] == chosen["3s"] and len(chosen["3s"]) == mesh.SAMPLES
    assert long.stamps_s[chosen["3s"][0]] - long.stamps_s[long.judged[0]] >= 3.0 - mesh.EPSILON_S
    short = dataclasses.replace(long, judged=long.judged[:45])
    assert samples(short, 3.0) == [] and len(samples(short, 1.0)) == mesh.SAMPLES


def test_frames_that_smoothing_predicts_or_holds_back_are_not_judged(sequence: Sequence) -> None:
    plain = mesh_track(sequence, None)
    frames = steadied(plain.frames, Bridging())  # type: ignore[arg-type]
    assert [frame.header for frame in frames] == [frame.header for frame in plain.frames]
    kept = [index for index in plain.judged.tolist() if index > 0 and (index + 1) % 3]
    assert measured(frames).tolist() == kept


def test_a_rough_face_is_off_in_every_point_by_itself_and_always_in_the_same_way() -> None:
    given = select(load_small_test_set(), "mesh")[0]
    off = (rough(given) - given.observed)[given.seen & given.present]
    size_px = np.ptp(given.clean_px[given.seen & given.present, :, :2], axis=1).max(axis=1)
    # Across and down only two of the three axes are seen, and a turned face is narrower.
    assert np.sqrt((off[..., :2] ** 2).sum(axis=2).mean(axis=1) / size_px**2).mean() == pytest.approx(
        ROUGH * np.sqrt(2.0 / 3.0), rel=0.1
    )
    assert np.corrcoef(off[0, :-1, 0], off[0, 1:, 0])[0, 1] < 0.2
    assert np.corrcoef(off[0, :, 0], off[5, :, 0])[0, 1] > 0.9


def test_the_mesh_of_the_true_coefficients_has_no_error(face: FaceModel, sequence: Sequence) -> None:
    truth = TrueFaces(face, with_the_face_of(face, sequence, (1.0, -0.5)))
    identity, rest = np.array([1.0, -0.5], np.float32), np.zeros(len(NAMES), np.float32)
    found = truth.errors(3, identity, rest)
    assert found.surface.max() < 1e-4 and found.vertex < 1e-4


def test_a_head_that_is_only_larger_is_wrong_in_its_own_size_alone(face: FaceModel, sequence: Sequence) -> None:
    larger = dataclasses.replace(face, identity_mm=0.05 * face.mean_mm[None])
    truth = TrueFaces(larger, with_the_face_of(larger, sequence, (0.0,)))
    one, rest = np.ones(1, np.float32), np.zeros(len(NAMES), np.float32)
    assert truth.errors(3, one, rest).surface.max() < 1e-3
    assert truth.errors(3, one, rest, own_size=True).vertex > 1.0


def test_pose_errors_are_of_frames_within_40_degrees(sequence: Sequence) -> None:
    turn = sequence.yaw_pitch_roll_rad.copy()
    turn[1] = [1.2, 0.0, 0.0]
    given = dataclasses.replace(sequence, yaw_pitch_roll_rad=turn)
    frames = np.array([0, 1], np.intp)
    rotation = rotations(turn[:2]).astype(np.float64)
    rotation[0] = corrected(rotation[0], np.radians([0.0, 2.0, 0.0]))
    place = sequence.translation_mm[:2].astype(np.float64)
    place[0, 2] *= 1.1
    nothing = np.zeros((2, 0), np.float32)
    degrees, mm, percent = pose_errors(Followed(frames, nothing, nothing, rotation, place, ()), given)
    assert degrees == pytest.approx(2.0, abs=1e-3)
    assert percent == pytest.approx(10.0, abs=1e-3)
    assert mm == pytest.approx(0.1 * sequence.translation_mm[0, 2], rel=1e-3)


def test_closed_form_says_the_same_of_frames_alone_as_of_all_at_once(
    sequence: Sequence, closed_form: ClosedFormStage
) -> None:
    track = mesh_track(sequence, None)
    closed_form.fits.learn(None)
    alone = follow(closed_form, track, 0, 4)
    closed_form.fits.learn(track)
    together = follow(closed_form, track, 0, 4)
    np.testing.assert_allclose(alone.expression, together.expression, atol=1e-2)
    np.testing.assert_allclose(alone.rotation, together.rotation, atol=1e-3)


def test_closed_form_finds_the_head_of_clean_landmarks(sequence: Sequence, closed_form: ClosedFormStage) -> None:
    clean = mesh_track(sequence, None, sequence.clean_px)
    closed_form.fits.learn(clean)
    found = follow(closed_form, clean)
    degrees, mm, _ = pose_errors(found, sequence)
    assert degrees < 1.5 and mm < 0.1 * MM
    same = found.expression_of(sequence.expression_names)
    assert same.shape == (len(found.frames), len(sequence.expression_names))
    with pytest.raises(InvalidValueError, match="none named smirk"):
        found.expression_of(("smirk",))


def test_a_model_without_coefficients_is_refused(face: FaceModel) -> None:
    from face1d_ros.config import MeshConfig
    from face1d_ros.stages.mesh import MeshStage

    given = select(load_small_test_set(), "mesh")[0]
    truth = TrueFaces(face, with_the_face_of(face, given, (0.0, 0.0)))
    with pytest.raises(InvalidValueError, match="no coefficients in mesh/000"):
        judge(MeshStage(MeshConfig(model="none")), mesh_track(given, None), truth)


def test_a_person_of_whom_nothing_is_known_yet_is_the_mean_one() -> None:
    known = FaceMesh(identity=np.ones(4, np.float32), expression=np.zeros(2, np.float32))
    unknown = FaceMesh(expression=np.zeros(2, np.float32))

    class Told:
        """A stage that knows the person from the second frame on."""

        def __init__(self) -> None:
            self.told = iter((unknown, known))

        def reset(self) -> None: ...
        def set_camera(self, camera: Any) -> None: ...
        def process(self, frame: Any) -> FaceMeshArray:
            return FaceMeshArray(faces=(next(self.told),), expression_names=("a", "b"))

    track = MeshTrack("told", (FaceLandmarksArray(), FaceLandmarksArray()), None, np.arange(2))
    found = follow(Told(), track)  # type: ignore[arg-type]
    np.testing.assert_array_equal(found.identity, [[0.0] * 4, [1.0] * 4])
