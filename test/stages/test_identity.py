"""What the identity stage decides of faces that move, and when."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from identity_faces import (
    BEGIN_NS,
    BROWS,
    JAW,
    NS,
    SMILE,
    Frames,
    enrolled,
    face,
    motion,
    moving,
    resting,
    stage_of,
    wish,
    write_encoder,
)

from face1d_ros.errors import EngineError, GalleryBusyError, GalleryError, InvalidValueError, RequestRefusedError
from face1d_ros.stages import identity_motion
from face1d_ros.stages.identity import IdentityStage
from face1d_ros.stages.identity_model import EncoderRunner
from face1d_ros.types import Decision, Factor, Topology, TrackState

UNKNOWN, VERIFIED, REJECTED, NO_MATCH = Decision.UNKNOWN, Decision.VERIFIED, Decision.REJECTED, Decision.NO_MATCH
NOT_ENOUGH, LOCKED_OUT = Decision.NOT_ENOUGH_MOTION, Decision.LOCKED_OUT


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("bundles") / "deformation")


@pytest.fixture
def stage(bundle: Path, tmp_path: Path) -> Iterator[IdentityStage]:
    made = stage_of(bundle, tmp_path / "gallery")
    yield made
    made.close()


@pytest.fixture
def frames(stage: IdentityStage) -> Frames:
    """A face is in view."""
    made = Frames(stage)
    made.play(resting(0.2))
    return made


@pytest.fixture
def jaw(frames: Frames) -> str:
    """The subject who drops the jaw."""
    return enrolled(frames, JAW)


def test_until_somebody_asks_no_face_is_looked_at_and_nothing_is_made(
    stage: IdentityStage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*given: object) -> None:
        raise AssertionError("a face was looked at")

    monkeypatch.setattr(identity_motion.MotionReader, "read", refuse)
    frames = Frames(stage)
    assert frames.play(motion(JAW)).decision is UNKNOWN
    assert stage.subjects() == () and stage.diagnostics()["subjects"] == 0
    assert list(tmp_path.iterdir()) == []


def test_also_with_subjects_nobody_is_looked_at_who_was_not_asked_for(
    frames: Frames, jaw: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity_motion.MotionReader, "read", None)
    assert frames.play(motion(JAW)).decision is UNKNOWN


def test_the_same_motion_is_verified_and_the_answer_says_on_what_grounds(frames: Frames, jaw: str) -> None:
    asked_ns = frames.stamp_ns
    assert frames.stage.verify(jaw) == 1
    told = frames.play(motion(JAW))
    assert (told.decision, told.subject, told.claimed, told.factors) == (VERIFIED, jaw, True, Factor.MOTION)
    assert told.threshold == pytest.approx(0.65) and told.false_match_rate == 0.01
    assert told.threshold <= told.score <= 1.0 and math.isnan(told.margin)
    assert 0.0 < told.template_age_s < (frames.stamp_ns - BEGIN_NS) / NS
    assert asked_ns + 0.8 * NS < told.judged_from_ns < asked_ns + 1.6 * NS
    assert asked_ns + 1.6 * NS < told.judged_to_ns < asked_ns + 2.4 * NS


def test_another_motion_is_rejected(frames: Frames, jaw: str) -> None:
    frames.stage.verify(jaw)
    told = frames.play(motion(BROWS))
    assert (told.decision, told.subject, told.claimed) == (REJECTED, jaw, True)
    assert told.score < told.threshold and told.judged_to_ns > told.judged_from_ns > BEGIN_NS


def test_somebody_elses_motion_is_rejected_and_the_margin_is_negative(frames: Frames, jaw: str) -> None:
    enrolled(frames, BROWS)
    frames.stage.verify(jaw)
    told = frames.play(motion(BROWS))
    assert told.decision is REJECTED and told.margin < -0.5


def test_identify_finds_the_subject_with_the_margin_to_the_runner_up(frames: Frames, jaw: str) -> None:
    brows = enrolled(frames, BROWS)
    frames.stage.identify()
    told = frames.play(motion(BROWS))
    assert (told.decision, told.subject, told.claimed) == (VERIFIED, brows, False) and brows != jaw
    assert told.margin > 0.5 and told.template_age_s > 0.0


def test_identify_says_when_it_is_none_of_them(frames: Frames, jaw: str) -> None:
    frames.stage.identify()
    told = frames.play(motion(SMILE))
    assert (told.decision, told.subject) == (NO_MATCH, "") and told.score < told.threshold
    assert math.isnan(told.template_age_s)


def test_while_it_waits_the_claim_is_told_and_a_decision_comes_with_the_frame_that_made_it(
    frames: Frames, jaw: str
) -> None:
    frames.stage.verify(jaw)
    waiting = frames.play([*resting(), *moving(JAW)])
    assert (waiting.decision, waiting.subject, waiting.claimed) == (UNKNOWN, jaw, True) and math.isnan(waiting.score)
    since_ns = frames.stamp_ns
    while frames.play(resting(0.04)).decision is UNKNOWN:
        assert frames.stamp_ns - since_ns < 1.2 * NS


def test_a_decision_is_told_for_a_while_always_with_the_same_stretch(bundle: Path, tmp_path: Path) -> None:
    frames = Frames(stage_of(bundle, tmp_path / "gallery", hold_s=2.0))
    handle = enrolled(frames, JAW)
    frames.stage.verify(handle)
    first = frames.play(motion(JAW))
    later = frames.play(resting(1.0))
    assert later is first
    assert frames.play(resting(2.0)).decision is UNKNOWN


def test_a_new_request_takes_the_place_of_what_was_decided_before(frames: Frames, jaw: str) -> None:
    frames.stage.verify(jaw)
    assert frames.play(motion(JAW)).decision is VERIFIED
    frames.stage.identify()
    assert frames.play(resting(0.04)).decision is UNKNOWN


def test_who_does_not_move_in_time_is_not_judged(frames: Frames, jaw: str) -> None:
    frames.stage.verify(jaw, timeout_s=2.0)
    assert frames.play(resting(1.8)).decision is UNKNOWN
    told = frames.play(resting(0.4))
    assert (told.decision, told.subject, told.claimed) == (NOT_ENOUGH, jaw, True)
    assert math.isnan(told.score) and told.judged_to_ns == 0
    assert frames.play(motion(JAW)).decision is NOT_ENOUGH, "the request is over"


def test_a_motion_that_began_in_time_is_judged_after_it(frames: Frames, jaw: str) -> None:
    frames.stage.verify(jaw, timeout_s=2.0)
    frames.play(motion(JAW))
    assert frames.decisions()[-2:] == [UNKNOWN, VERIFIED]


@pytest.mark.parametrize("how", [{"seconds": 0.16}, {"strength": 0.1}])
def test_what_is_too_short_or_too_weak_is_waited_out(frames: Frames, jaw: str, how: dict[str, float]) -> None:
    frames.stage.verify(jaw)
    assert frames.play(motion(BROWS, **how)).decision is UNKNOWN
    assert frames.play(motion(JAW)).decision is VERIFIED


def test_after_failures_a_subject_is_locked_for_a_time_and_others_are_not(bundle: Path, tmp_path: Path) -> None:
    frames = Frames(stage_of(bundle, tmp_path / "gallery", max_failures=2, lockout_s=20.0))
    jaw, brows = enrolled(frames, JAW), enrolled(frames, BROWS)
    for _ in range(2):
        frames.stage.verify(jaw)
        assert frames.play(motion(SMILE)).decision is REJECTED
        frames.play(resting(2.0))
    with pytest.raises(RequestRefusedError, match=r"too many failures; try again in \d+ s"):
        frames.stage.verify(jaw)
    told = frames.play(resting(0.04))
    assert (told.decision, told.subject) == (LOCKED_OUT, jaw)
    frames.stage.verify(brows)
    assert frames.play(motion(BROWS)).decision is VERIFIED
    frames.play(resting(20.0))
    frames.stage.verify(jaw)
    assert frames.play(motion(JAW)).decision is VERIFIED


def test_who_is_locked_is_not_found_by_identification_either(bundle: Path, tmp_path: Path) -> None:
    frames = Frames(stage_of(bundle, tmp_path / "gallery", max_failures=1, lockout_s=60.0))
    jaw = enrolled(frames, JAW)
    frames.stage.verify(jaw)
    assert frames.play(motion(BROWS)).decision is REJECTED
    frames.play(resting(2.0))
    frames.stage.identify()
    assert frames.play(motion(JAW)).decision is LOCKED_OUT


def test_a_motion_that_comes_while_its_subject_is_locked_is_not_judged(bundle: Path, tmp_path: Path) -> None:
    frames = Frames(stage_of(bundle, tmp_path / "gallery", max_failures=1, lockout_s=60.0))
    jaw = enrolled(frames, JAW)
    frames.show(face(resting()[0], 1), face(resting()[0], 2))
    assert (frames.stage.verify(jaw, 1), frames.stage.verify(jaw, 2)) == (1, 2)
    for first, second in zip([*motion(BROWS), *resting(3.0)], [*resting(3.0), *motion(JAW)], strict=False):
        frames.show(face(first, 1), face(second, 2))
    assert (frames.told(1).decision, frames.told(2).decision) == (REJECTED, LOCKED_OUT)


def test_the_lock_outlives_a_restart_of_the_frames_and_stamps_that_jump_back(bundle: Path, tmp_path: Path) -> None:
    frames = Frames(stage_of(bundle, tmp_path / "gallery", max_failures=1, lockout_s=60.0))
    jaw = enrolled(frames, JAW)
    frames.stage.verify(jaw)
    assert frames.play(motion(BROWS)).decision is REJECTED
    frames.stage.reset()
    frames.stage.diagnostics()
    for stamp_ns in (frames.stamp_ns, BEGIN_NS // 2):
        frames.show(face(resting()[0]), stamp_ns=stamp_ns)
        with pytest.raises(RequestRefusedError, match="too many failures"):
            frames.stage.verify(jaw)


def test_stamps_that_go_back_end_all_requests_and_decisions(frames: Frames, jaw: str) -> None:
    frames.show(face(resting()[0], 1), face(resting()[0], 2))
    frames.stage.verify(jaw, 2)
    enrolment = frames.stage.enrol(wish(track_id=1))
    frames.show(face(resting()[0], 1), face(resting()[0], 2), stamp_ns=BEGIN_NS)
    assert enrolment.outcome is not None and "time went back" in enrolment.outcome.message
    assert frames.told(2).subject == "" and frames.stage.diagnostics()["identity.stamp went back"] == 1


def test_a_repeated_stamp_is_answered_with_the_same_and_is_no_step(frames: Frames, jaw: str) -> None:
    frames.stage.verify(jaw)
    for points in motion(JAW):
        frames.show(face(points))
        again = frames.show(face(points + 0.5), stamp_ns=frames.stamp_ns)
        assert again.faces[0].decision is frames.answers[-2].faces[0].decision
    assert frames.told().decision is VERIFIED
    assert frames.stage.diagnostics()["identity.stamp repeated"] == len(motion(JAW))


def test_a_face_whose_track_ends_is_not_judged_and_its_decision_ends_with_it(frames: Frames, jaw: str) -> None:
    frames.stage.verify(jaw)
    frames.play([*resting(), *moving(JAW)])
    frames.show(ended=(1,))
    assert frames.stage.diagnostics()["requests"] == 0
    frames.show(face(resting()[0], 2))
    frames.stage.verify(jaw, 2)
    assert frames.play(motion(JAW), 2).decision is VERIFIED
    answer = frames.show(ended=(2,))
    assert (answer.faces, answer.ended_track_ids) == ((), (2,))
    assert frames.show(face(resting()[0], 2)).faces[0].decision is UNKNOWN


def test_a_face_that_is_away_for_longer_begins_anew(frames: Frames, jaw: str) -> None:
    frames.stage.verify(jaw, timeout_s=30.0)
    frames.play([*resting(), *moving(JAW)[:15]])
    for _ in range(20):
        frames.show()
    assert frames.play(resting(2.0)).decision is UNKNOWN
    assert frames.play(motion(JAW)).decision is VERIFIED


def test_who_never_comes_back_in_time_is_not_judged(frames: Frames, jaw: str) -> None:
    frames.stage.verify(jaw, timeout_s=2.0)
    frames.play([*resting(), *moving(JAW)[:15]])
    for _ in range(400):
        frames.show()
    assert frames.play(resting(0.04)).decision is NOT_ENOUGH


def test_nine_faces_are_each_told_and_one_among_them_is_judged(frames: Frames, jaw: str) -> None:
    def others() -> list:
        return [face(points, track, (60.0 * track, 200.0), 0.5) for track in range(2, 10)]

    points = resting()[0]
    frames.play(resting(), beside=others)
    assert [one.track_id for one in frames.answers[-1].faces] == list(range(1, 10))
    frames.stage.verify(jaw, 9)
    for shape in motion(JAW):
        frames.show(*(face(shape if track == 9 else points, track) for track in range(1, 10)))
    assert [one.decision for one in frames.answers[-1].faces] == [UNKNOWN] * 8 + [VERIFIED]


def test_all_nine_faces_may_be_judged_at_once(frames: Frames, jaw: str) -> None:
    points = resting()[0]
    frames.show(*(face(points, track) for track in range(1, 10)))
    for track in range(1, 10):
        frames.stage.verify(jaw, track)
    for shape in motion(JAW):
        frames.show(*(face(shape, track) for track in range(1, 10)))
    assert {one.decision for one in frames.answers[-1].faces} == {VERIFIED}


def test_an_id_twice_in_a_frame_is_answered_once_and_faces_without_one_are_unknown(frames: Frames, jaw: str) -> None:
    points = resting()[0]
    answer = frames.show(face(points, 1), face(points, 0), face(points, 1), face(points, 0))
    assert [one.track_id for one in answer.faces] == [1, 0, 0]
    assert frames.stage.diagnostics()["identity.id twice in a frame"] == 1


def test_the_largest_face_is_meant_where_none_is_named(frames: Frames, jaw: str) -> None:
    points = resting()[0]
    frames.show(face(points, 1, size=0.5), face(points, 2), face(np.full_like(points, np.nan), 3))
    assert frames.stage.verify(jaw) == 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"points": np.full((468, 3), np.nan, np.float32)}, "landmarks not finite"),
        ({"state": TrackState.BRIDGED}, "landmarks predicted, not seen"),
        ({"topology": Topology.UNKNOWN}, "unknown topology"),
        ({"points": np.zeros((468, 3), np.float32)}, "no extent"),
    ],
)
def test_frames_that_say_nothing_of_the_face_are_passed_over(
    frames: Frames, jaw: str, changes: dict[str, object], reason: str
) -> None:
    frames.stage.verify(jaw)
    for index, points in enumerate(motion(JAW)):
        shown = face(points)
        answer = frames.show(replace(shown, **changes) if index % 4 == 1 else shown)
        assert len(answer.faces) == 1
    assert frames.told().decision is VERIFIED
    assert frames.stage.diagnostics()[f"identity.{reason}"] > 10


def test_requests_that_cannot_be_met_say_why(stage: IdentityStage) -> None:
    frames = Frames(stage)
    with pytest.raises(RequestRefusedError, match="no subject of this handle is enrolled"):
        stage.verify("0" * 16)
    with pytest.raises(RequestRefusedError, match="nobody is enrolled"):
        stage.identify()
    jaw = enrolled(frames, JAW)
    with pytest.raises(RequestRefusedError, match="no subject of this handle"):
        stage.verify("Ada Lovelace")
    with pytest.raises(RequestRefusedError, match=r"face 7 is not seen \(in view: 1\); have the person look"):
        stage.verify(jaw, 7)
    for timeout_s in (-1.0, math.nan, math.inf):
        with pytest.raises(RequestRefusedError, match=r"timeout of .* s; give up to 3600 s"):
            stage.verify(jaw, timeout_s=timeout_s)
    stage.enrol(wish(track_id=1))
    with pytest.raises(RequestRefusedError, match="this face is being enrolled"):
        stage.verify(jaw, 1)
    stage.reset()
    with pytest.raises(RequestRefusedError, match=r"no face is seen \(in view: none\)"):
        stage.identify()


def test_who_is_forgotten_is_gone_from_requests_decisions_and_gallery(frames: Frames, jaw: str) -> None:
    frames.stage.verify(jaw)
    assert frames.play(motion(JAW)).subject == jaw
    frames.show(face(resting()[0], 1), face(resting()[0], 2))
    frames.stage.verify(jaw, 2)
    assert frames.stage.forget(jaw) == 2
    frames.show(face(resting()[0], 1), face(resting()[0], 2))
    assert [one.subject for one in frames.answers[-1].faces] == ["", ""]
    assert frames.stage.subjects() == ()
    with pytest.raises(GalleryError):
        frames.stage.forget(jaw)


def test_where_everybody_is_gone_before_a_motion_ends_nothing_is_decided(frames: Frames, jaw: str) -> None:
    frames.stage.identify()
    frames.play([*resting(), *moving(JAW)])
    frames.stage._gallery.forget(jaw)
    assert frames.play(resting(1.4)).decision is UNKNOWN
    assert frames.stage.diagnostics()["requests"] == 0


def test_revoking_removes_everybody(frames: Frames, jaw: str) -> None:
    enrolled(frames, BROWS)
    frames.stage.identify()
    assert frames.stage.revoke() == 2
    assert frames.stage.subjects() == () and frames.stage.diagnostics()["requests"] == 0


def test_before_anybody_enrols_there_is_nothing_to_forget_or_revoke(stage: IdentityStage, tmp_path: Path) -> None:
    with pytest.raises(RequestRefusedError, match="no subject of this handle is enrolled"):
        stage.forget("0" * 16)
    assert (stage.revoke(), stage.remove_expired(BEGIN_NS)) == (0, 0)
    assert list(tmp_path.iterdir()) == []


def test_a_gallery_that_cannot_be_read_does_not_end_a_request(
    frames: Frames, jaw: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*given: object) -> None:
        raise GalleryBusyError("gallery", 0.5)

    frames.stage.verify(jaw)
    with monkeypatch.context() as broken:
        broken.setattr(frames.stage._gallery, "matches", busy)
        assert frames.play(motion(JAW)).decision is UNKNOWN
    assert frames.stage.diagnostics()["identity.gallery failed"] == 1
    assert frames.play(motion(JAW)).decision is VERIFIED


def test_an_engine_that_fails_does_not_end_a_request(frames: Frames, jaw: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*given: object) -> None:
        raise EngineError("engine", "it fails")

    frames.stage.verify(jaw)
    with monkeypatch.context() as broken:
        broken.setattr(EncoderRunner, "encode", fail)
        assert frames.play(motion(JAW)).decision is UNKNOWN
    assert frames.stage.diagnostics()["identity.engine failed"] == 1
    assert frames.play(motion(JAW)).decision is VERIFIED


def test_a_gallery_of_another_key_is_said_and_frames_go_on(bundle: Path, tmp_path: Path, jaw: str) -> None:
    (tmp_path / "gallery.key").unlink()
    stage = stage_of(bundle, tmp_path / "gallery")
    frames = Frames(stage)
    assert frames.play(resting()).decision is UNKNOWN
    with pytest.raises(GalleryError, match="key"):
        stage.identify()
    assert "gallery key" in str(stage.diagnostics()["notice"])


def test_a_damaged_subject_is_named_and_refused(bundle: Path, tmp_path: Path, jaw: str) -> None:
    (record,) = (tmp_path / "gallery").glob(f"{jaw}.*")
    record.write_bytes(b"rubbish")
    stage = stage_of(bundle, tmp_path / "gallery")
    Frames(stage).play(resting())
    said = stage.diagnostics()
    assert said["subjects damaged"] == jaw and jaw in str(said["notice"])
    with pytest.raises(RequestRefusedError, match="the subject's record is damaged"):
        stage.verify(jaw)


def test_a_subject_of_another_model_is_refused(tmp_path: Path, jaw: str) -> None:
    stage = stage_of(write_encoder(tmp_path / "later", version="2"), tmp_path / "gallery")
    Frames(stage).play(resting())
    with pytest.raises(RequestRefusedError, match=r"was enrolled with deformation 1, this is deformation 2"):
        stage.verify(jaw)


def test_somebody_enrolled_by_another_process_can_be_verified_at_once(bundle: Path, tmp_path: Path) -> None:
    stage = stage_of(bundle, tmp_path / "gallery")
    frames = Frames(stage)
    frames.play(resting())
    assert stage.subjects() == ()
    jaw = enrolled(Frames(stage_of(bundle, tmp_path / "gallery")), JAW)
    stage.verify(jaw)
    assert frames.play(motion(JAW)).decision is VERIFIED


def test_whose_time_is_over_is_refused_and_removed(frames: Frames) -> None:
    handle = enrolled(frames, JAW, expires_after_ns=5 * NS)
    frames.play(resting(6.0))
    with pytest.raises(RequestRefusedError, match="expired"):
        frames.stage.verify(handle)
    assert frames.stage.remove_expired(frames.stamp_ns) == 1 and frames.stage.subjects() == ()


def test_a_rate_of_false_matches_that_was_not_measured_is_refused(bundle: Path, tmp_path: Path) -> None:
    said = "false_match_rate: got 1e-05, expected a number from 0.0001 to 0.1, as measured for deformation 1"
    with pytest.raises(InvalidValueError, match=said):
        stage_of(bundle, tmp_path / "gallery", false_match_rate=1e-5)
    stage = stage_of(bundle, tmp_path / "gallery")
    with pytest.raises(InvalidValueError, match="as measured"):
        stage.prepare(replace(stage._config, false_match_rate=0.4))
    wanted = replace(stage._config, false_match_rate=0.01)
    stage.prepare(wanted)
    stage.configure(wanted)
    assert stage.diagnostics()["threshold"] == pytest.approx(0.65)


def test_the_same_frames_and_requests_give_the_same_answers(bundle: Path, tmp_path: Path, jaw: str) -> None:
    told = []
    for _ in range(2):
        frames = Frames(stage_of(bundle, tmp_path / "gallery"), BEGIN_NS + 100 * NS)
        frames.play(resting())
        frames.stage.verify(jaw)
        frames.play(motion(JAW))
        told.append([str(answer.faces) for answer in frames.answers])
    assert told[0] == told[1]


def test_requests_come_from_other_threads_while_frames_go_on(frames: Frames, jaw: str) -> None:
    ends, errors = threading.Event(), []

    def ask() -> None:
        while not ends.is_set():
            try:
                frames.stage.identify()
                frames.stage.diagnostics()
                enrolment = frames.stage.enrol(wish())
                frames.stage.cancel(enrolment, "enough", "stop")
            except RequestRefusedError:
                pass
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    frames.play(motion(JAW))
    ends.set()
    for thread in threads:
        thread.join(10.0)
    assert errors == [] and len(frames.answers[-1].faces) == 1
