"""The expression stage: what it says of faces over time, and what it forgets when."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mesh_faces
import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

from expression_faces import (
    ACTIONS,
    BEGIN_NS,
    BROWS,
    FEATURES,
    LABELS,
    REST,
    SMILE,
    answers,
    frame,
    shown_for,
    stage_of,
    values,
    wandering,
    write_expression,
    write_telling,
)

from face1d_ros.errors import InvalidValueError
from face1d_ros.geometry.camera_model import Camera
from face1d_ros.stages.expression import ExpressionStage
from face1d_ros.stages.mesh_pose import OTHER_CAMERA
from face1d_ros.synth.corpus.fixed_sets import load_small_test_set, select
from face1d_ros.types import Phase

LONG = 75
"""Frames: more than the two seconds after which a face begins anew."""


@pytest.fixture(scope="module")
def random_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_expression(tmp_path_factory.mktemp("bundles") / "random")


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_telling(tmp_path_factory.mktemp("bundles") / "telling")


@pytest.fixture(scope="module")
def shared(random_bundle: Path) -> Iterator[ExpressionStage]:
    stage = stage_of(random_bundle)
    yield stage
    stage.close()


@pytest.fixture
def stage(shared: ExpressionStage) -> ExpressionStage:
    """Of random weights; nobody was seen yet."""
    shared.reset()
    return shared


@pytest.fixture
def teller(telling: Path) -> Iterator[ExpressionStage]:
    stage = stage_of(telling)
    yield stage
    stage.close()


def count(stage: ExpressionStage, reason: str) -> Any:
    return stage.diagnostics().get(f"expression.{reason}", 0)


def alone(stage: ExpressionStage, shown: np.ndarray, first: int = 0, track_id: int = 1) -> list[Any]:
    return answers(stage, [frame(first + index, (track_id, row)) for index, row in enumerate(shown)])


def test_each_face_of_a_frame_is_answered_in_its_order(stage: ExpressionStage) -> None:
    said = stage.process(frame(0, (7, REST), (3, SMILE), (0, BROWS), (0, REST)))
    assert [face.track_id for face in said.faces] == [7, 3, 0, 0]
    assert said.header.stamp_ns == BEGIN_NS and said.header.frame_id == "camera"
    assert said.labels == LABELS and said.action_names == ACTIONS and said.info.model == "random 0"
    assert stage.process(frame(1, ended=(7,))).ended_track_ids == (7,)


def test_probabilities_of_labels_and_of_none_of_them_are_a_whole(stage: ExpressionStage) -> None:
    for said in alone(stage, wandering(30, 1)):
        (face,) = said.faces
        assert face.probabilities.shape == (len(LABELS),) and face.actions.shape == (len(ACTIONS),)
        assert face.probabilities.sum() + face.none_probability == pytest.approx(1.0, abs=1e-5)
        assert face.confidence == pytest.approx([*face.probabilities, face.none_probability][_label(face)])


def _label(face: Any) -> int:
    return (*LABELS, "none").index(face.label)


def test_what_rises_is_named_and_told_by_events_that_take_turns(teller: ExpressionStage) -> None:
    shown = shown_for((REST, 40), (SMILE, 40), (REST, 40), (BROWS, 40), (REST, 40))
    said = alone(teller, shown)
    labels = [result.faces[0].label for result in said]
    assert [name for name, _ in itertools.groupby(labels)] == [
        "neutral",
        "happiness",
        "neutral",
        "surprise",
        "neutral",
    ]
    assert said[70].faces[0].label == "happiness" and said[70].faces[0].intensity > 0.9
    assert max(said[70].faces[0].actions) > 0.9 > 0.2 > max(said[20].faces[0].actions)
    events = [event for result in said for event in result.events]
    cycle = [Phase.ONSET, Phase.APEX, Phase.OFFSET, Phase.NEUTRAL]
    assert [event.phase for event in events] == 2 * cycle
    assert [event.previous_phase for event in events] == [Phase.NEUTRAL, *(2 * cycle)[:-1]]
    assert [event.began_ns for event in events] == sorted({event.began_ns for event in events})
    onset_s = [(event.began_ns - BEGIN_NS) / 1e9 for event in events if event.phase is Phase.ONSET]
    assert onset_s == pytest.approx([40 / 30, 136 / 30], abs=0.15)


def test_events_carry_the_header_of_the_frame_in_which_they_were_recognised(teller: ExpressionStage) -> None:
    said = alone(teller, shown_for((REST, 30), (SMILE, 40), (REST, 30)), track_id=5)
    told = [(result, event) for result in said for event in result.events]
    assert told
    for result, event in told:
        assert event.header is result.header and event.track_id == 5
        assert BEGIN_NS <= event.began_ns <= event.header.stamp_ns
        assert event.label == result.faces[0].label and 0.0 <= event.intensity <= 1.0


def test_the_time_since_the_onset_is_known_while_something_is_shown(teller: ExpressionStage) -> None:
    said = alone(teller, shown_for((REST, 40), (SMILE, 40), (REST, 60)))
    resting = [result.faces[0].since_onset_s for result in said if result.faces[0].phase is Phase.NEUTRAL]
    assert np.isnan(resting).all()
    assert said[78].faces[0].since_onset_s == pytest.approx(38 / 30, abs=0.15)


class TestLabels:
    def test_those_that_were_not_chosen_count_as_none(self, telling: Path) -> None:
        stage = stage_of(telling, labels=" surprise ")
        said = alone(stage, shown_for((REST, 30), (SMILE, 30), (REST, 40), (BROWS, 30)))
        stage.close()
        assert said[0].labels == ("neutral", "surprise")
        assert said[60].faces[0].label == "none" and said[60].faces[0].none_probability > 0.9
        assert said[-1].faces[0].label == "surprise" and said[-1].faces[0].probabilities.shape == (2,)

    def test_the_others_keep_their_probabilities_and_their_order(self, random_bundle: Path) -> None:
        every, some = stage_of(random_bundle), stage_of(random_bundle, labels="surprise,happiness")
        shown = wandering(10, 3)
        for one, other in zip(alone(every, shown), alone(some, shown), strict=True):
            assert other.labels == LABELS
            np.testing.assert_array_equal(one.faces[0].probabilities, other.faces[0].probabilities)
        every.close()
        some.close()

    def test_off_leaves_facial_actions_alone(self, telling: Path) -> None:
        stage = stage_of(telling, labels="off")
        said = alone(stage, shown_for((REST, 30), (SMILE, 30)))
        stage.close()
        assert said[-1].labels == () and all(not result.events for result in said)
        (face,) = said[-1].faces
        assert (face.label, face.phase, face.probabilities.size) == ("", Phase.UNKNOWN, 0)
        assert np.isnan([face.confidence, face.none_probability, face.intensity, face.since_onset_s]).all()
        assert face.actions.min() > 0.9

    @pytest.mark.parametrize("wanted", ["joy", "happiness, joy", "", ","])
    def test_unknown_ones_are_refused_with_those_that_are_there(self, random_bundle: Path, wanted: str) -> None:
        with pytest.raises(InvalidValueError, match=r"labels.*'all', 'off', or some of neutral, happiness, surprise"):
            stage_of(random_bundle, labels=wanted)


class TestMemory:
    def test_the_same_frames_give_the_same_values(self, stage: ExpressionStage) -> None:
        shown = wandering(40, 4)
        first = values(alone(stage, shown))
        stage.reset()
        np.testing.assert_array_equal(values(alone(stage, shown)), first)

    def test_faces_do_not_influence_each_other(self, stage: ExpressionStage) -> None:
        one, other = wandering(40, 5), wandering(40, 6)
        frames = [frame(i, (1, one[i]), (2, other[i])) for i in range(40)]
        frames[20:30] = [frame(i, (2, other[i]), (1, one[i])) for i in range(20, 30)]
        together = answers(stage, frames)
        for track_id, shown in ((1, one), (2, other)):
            stage.reset()
            by_itself = values(alone(stage, shown, track_id=track_id), track_id)
            np.testing.assert_allclose(values(together, track_id), by_itself, atol=1e-5)

    def test_a_repeated_stamp_gives_no_faces(self, stage: ExpressionStage) -> None:
        before = count(stage, "stamp repeated")
        shown = wandering(4, 7)
        expected = values(alone(stage, shown))
        stage.reset()
        first = stage.process(frame(0, (1, shown[0])))
        again = stage.process(frame(0, (1, SMILE)))
        assert again.faces == again.events == () and count(stage, "stamp repeated") == before + 1
        np.testing.assert_array_equal(values([first, *alone(stage, shown[1:], 1)]), expected)

    def _goes_on_as_new(self, stage: ExpressionStage, *, first: int, ended: tuple[int, ...] = ()) -> bool:
        """Whether a face that rested, and comes again in frame `first` with another rest, is like one never seen."""
        stage.reset()
        alone(stage, np.tile(REST, (30, 1)))
        if ended:
            stage.process(frame(30, ended=ended))
        shown = wandering(30, 8)
        after = values(alone(stage, shown, first))
        stage.reset()
        return bool(np.array_equal(after, values(alone(stage, shown, first)), equal_nan=True))

    def test_faces_begin_anew_when_time_goes_back(self, stage: ExpressionStage) -> None:
        before = count(stage, "stamp went back")
        assert self._goes_on_as_new(stage, first=-100)
        assert count(stage, "stamp went back") == before + 1

    def test_a_face_begins_anew_after_its_track_has_ended(self, stage: ExpressionStage) -> None:
        assert self._goes_on_as_new(stage, first=31, ended=(1,))
        assert not self._goes_on_as_new(stage, first=31, ended=(2,))

    def test_a_face_begins_anew_after_two_seconds_away(self, stage: ExpressionStage) -> None:
        assert self._goes_on_as_new(stage, first=30 + LONG)
        assert not self._goes_on_as_new(stage, first=30 + 45)

    def test_faces_without_an_id_are_seen_for_the_first_time_in_every_frame(self, stage: ExpressionStage) -> None:
        shown = wandering(5, 9)
        for index, said in enumerate(alone(stage, shown, track_id=0)):
            assert len(said.faces) == 1
            later = alone(stage, shown[index : index + 1], 1000 + index, 0)
            np.testing.assert_array_equal(values([said], 0), values(later, 0))
            assert stage.diagnostics()["faces remembered"] == 0


class TestFrames:
    def test_an_id_that_comes_twice_is_answered_once(self, stage: ExpressionStage) -> None:
        before = count(stage, "id twice in a frame")
        said = stage.process(frame(0, (1, REST), (2, REST), (1, SMILE)))
        assert [face.track_id for face in said.faces] == [1, 2]
        assert count(stage, "id twice in a frame") == before + 1

    def test_eight_faces_are_answered_and_more_are_counted(self, stage: ExpressionStage) -> None:
        before = count(stage, "faces beyond eight")
        said = stage.process(frame(0, *((track_id, REST) for track_id in range(1, 12))))
        assert [face.track_id for face in said.faces] == list(range(1, 9))
        assert count(stage, "faces beyond eight") == before + 3

    @pytest.mark.parametrize(
        ("fields", "values_given", "reason"),
        [
            ({"expression_names": ("smile", "jawOpen", "brows")}, REST, "coefficients of another model"),
            ({"expression_names": (*FEATURES, "more")}, (*REST, 0.1), "coefficients of another model"),
            ({}, REST[:2], "coefficients of another model"),
            ({}, (), "no coefficients"),
            ({}, (0.1, np.nan, 0.1), "coefficients not from 0 to 1"),
            ({}, (0.1, 1.01, 0.1), "coefficients not from 0 to 1"),
            ({}, (0.1, -0.01, 0.1), "coefficients not from 0 to 1"),
        ],
    )
    def test_what_cannot_be_read_is_left_out_and_counted(
        self, stage: ExpressionStage, fields: dict[str, Any], values_given: Any, reason: str
    ) -> None:
        before = count(stage, reason)
        assert stage.process(frame(0, (1, values_given), **fields)).faces == ()
        assert count(stage, reason) == before + 1
        assert len(stage.process(frame(1, (1, REST))).faces) == 1


def test_a_camera_of_the_images_size_is_used_and_no_other(tmp_path: Path) -> None:
    sequence = select(load_small_test_set(), "mesh")[0]
    stage = stage_of(write_expression(tmp_path / "landmarks", "landmarks"), "landmarks")
    frames = [mesh_faces.frame(sequence, index) for index in mesh_faces.seen(sequence)[:30:3]]
    unknown = values(answers(stage, frames))
    size = sequence.plan.camera.width, sequence.plan.camera.height
    near = Camera(*size, (0.4 * size[0], 0.4 * size[0]), (0.5 * size[0], 0.5 * size[1]))
    other = Camera(2 * size[0], size[1], near.focal_px, near.centre_px)
    for camera, is_same in ((near, False), (other, True), (None, True)):
        stage.set_camera(camera)
        stage.reset()
        before = count(stage, OTHER_CAMERA)
        assert np.allclose(values(answers(stage, frames)), unknown, atol=1e-6, equal_nan=True) == is_same
        assert stage.diagnostics()["camera"] == ("calibrated" if camera else "assumed")
        assert count(stage, OTHER_CAMERA) - before == (len(frames) if camera is other else 0)
    stage.close()
