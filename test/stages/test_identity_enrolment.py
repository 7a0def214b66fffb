"""Enrolling a motion: what is asked of the person, what is refused, and that nothing is stored before the end."""

from __future__ import annotations

import math
from collections.abc import Iterator
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
    moving,
    play_until_complete,
    resting,
    stage_of,
    wish,
    write_encoder,
)

from face1d_ros.errors import GalleryBusyError, GalleryError, RequestRefusedError
from face1d_ros.gallery.gallery import Gallery
from face1d_ros.gallery.keys import KeyFile
from face1d_ros.stages import identity_enrolment as hints
from face1d_ros.stages.identity import IdentityStage
from face1d_ros.stages.identity_enrolment import Enrolment, EnrolState
from face1d_ros.types import FaceLandmarks

WAITING_FOR_FACE, WAITING, RECORDING, COMPARING = EnrolState


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
    return Frames(stage)


def once(shape: np.ndarray, **how: float) -> list[np.ndarray]:
    """A motion, then rest until it is over."""
    return [*moving(shape, **how), *resting(1.4)]


def begin(frames: Frames, **changes: object) -> Enrolment:
    """With the face in view."""
    enrolment = frames.stage.enrol(wish(**changes))
    frames.play(resting())
    return enrolment


def reason(enrolment: Enrolment, frames: Frames) -> str:
    """Why it failed; nothing was stored, and nothing is kept."""
    outcome = enrolment.outcome
    assert outcome is not None and not outcome.success and outcome.subject == "" and outcome.templates == 0
    assert not enrolment._embeddings
    assert frames.stage.store(enrolment) is outcome, "a failed enrolment is not stored afterwards"
    return outcome.message


def test_repetitions_are_taken_one_by_one_and_stored_together_at_the_end(frames: Frames) -> None:
    enrolment = frames.stage.enrol(wish(repetitions=3))
    assert enrolment.progress.state is WAITING_FOR_FACE
    states = []
    for points in [*resting(), *once(JAW), *once(JAW), *once(JAW)]:
        frames.show(face(points))
        assert frames.stage.subjects() == ()
        states.append((enrolment.progress.state, enrolment.progress.captured))
    expected = [(WAITING, 0), (RECORDING, 0), (WAITING, 1), (RECORDING, 1), (WAITING, 2), (RECORDING, 2)]
    assert list(dict.fromkeys(states)) == [*expected, (COMPARING, 3)]
    assert (enrolment.progress.repetitions, enrolment.progress.hint, enrolment.progress.track_id) == (3, "", 1)
    assert 0.9 < enrolment.progress.quality <= 1.0
    outcome = frames.stage.store(enrolment)
    assert outcome.success and outcome.message == "" and outcome.templates == 3 and 0.9 < outcome.quality <= 1.0
    (subject,) = frames.stage.subjects()
    assert (subject.handle, subject.templates, subject.algorithm) == (outcome.subject, 3, "deformation 1")
    assert subject.consented_ns == BEGIN_NS + NS // 25 and subject.enrolled_ns == frames.stamp_ns


def test_without_consent_nobody_is_enrolled_and_no_gallery_is_made(stage: IdentityStage, tmp_path: Path) -> None:
    for changes, said in (
        ({"consent": False}, "the person's consent is missing; ask the person, and give both"),
        ({"consent_text": " \n"}, "the text that the person agreed to is missing"),
    ):
        with pytest.raises(RequestRefusedError, match=said):
            stage.enrol(wish(**changes))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"repetitions": 1}, "1 repetitions; ask for 2 to 20, or 0 for the default"),
        ({"repetitions": 21}, "21 repetitions"),
        ({"timeout_s": -1.0}, "a timeout of -1 s"),
        ({"timeout_s": math.nan}, "a timeout of nan s"),
        ({"expires_after_ns": -1}, "an expiry in the past"),
        ({"subject": "0" * 16}, "no subject of this handle is enrolled"),
    ],
)
def test_wishes_that_cannot_be_met_are_refused(stage: IdentityStage, changes: dict[str, object], said: str) -> None:
    with pytest.raises(RequestRefusedError, match=said):
        stage.enrol(wish(**changes))


def test_what_a_wish_leaves_open_comes_from_the_configuration(stage: IdentityStage) -> None:
    enrolment = stage.enrol(wish(repetitions=0, timeout_s=0.0))
    assert (enrolment.wish.repetitions, enrolment.wish.timeout_s) == (3, 90.0)


def test_the_text_of_a_consent_shows_nowhere(frames: Frames) -> None:
    enrolment = begin(frames, consent_text="I, Ada Lovelace, agree.")
    play_until_complete(frames, enrolment, JAW)
    shown = (enrolment.wish, enrolment.progress, frames.stage.diagnostics(), frames.stage.store(enrolment))
    assert "Ada" not in repr(shown)


def test_the_text_of_a_consent_is_stored(frames: Frames, tmp_path: Path) -> None:
    handle = enrolled(frames, JAW, consent_text="I agree to this.")
    gallery = Gallery.open(
        tmp_path / "gallery", KeyFile(tmp_path / "gallery.key"), algorithm="deformation 1", dimension=204
    )
    (consent,) = gallery.consents(handle)
    assert consent.text == "I agree to this."


def test_there_is_one_enrolment_at_a_time(frames: Frames) -> None:
    first = begin(frames)
    with pytest.raises(RequestRefusedError, match="another enrolment is going on"):
        frames.stage.enrol(wish())
    assert frames.stage.cancel(first, "cancelled", "begin anew")
    assert reason(first, frames) == "cancelled; begin anew"
    assert not frames.stage.cancel(first, "cancelled", "begin anew")
    frames.stage.enrol(wish())


def test_the_largest_face_is_taken_or_the_one_that_is_named(frames: Frames) -> None:
    for track, expected in ((0, 2), (1, 1)):
        enrolment = frames.stage.enrol(wish(track_id=track))
        for points in [*resting(), *once(JAW), *once(JAW)]:
            frames.show(face(points, 1, size=0.5), face(points, 2))
        assert enrolment.is_complete and enrolment.progress.track_id == expected
        assert frames.stage.store(enrolment).success
        frames.stage.revoke()


@pytest.mark.parametrize(
    ("how", "hint"),
    [
        ({"strength": 0.5}, hints.WEAKER),
        ({"seconds": 0.16}, hints.SHORTER),
    ],
)
def test_what_is_too_weak_or_too_short_is_not_taken_and_it_says_so(
    frames: Frames, how: dict[str, float], hint: str
) -> None:
    enrolment = begin(frames)
    frames.play(once(SMILE, **how))
    assert (enrolment.progress.captured, enrolment.progress.hint) == (0, hint)
    frames.play(once(SMILE))
    assert (enrolment.progress.captured, enrolment.progress.hint) == (1, "")


def test_one_that_does_not_end_is_not_taken(frames: Frames) -> None:
    enrolment = begin(frames)
    frames.play([points for _ in range(8) for points in moving(JAW)])
    assert (enrolment.progress.captured, enrolment.progress.hint) == (0, hints.LONGER)


def turned(points: np.ndarray, yaw_deg: float) -> np.ndarray:
    angle = math.radians(yaw_deg)
    rotation = [[math.cos(angle), 0.0, math.sin(angle)], [0.0, 1.0, 0.0], [-math.sin(angle), 0.0, math.cos(angle)]]
    return points @ np.array(rotation).T


def test_who_turns_the_head_while_moving_is_told_to_hold_it_still(frames: Frames) -> None:
    enrolment = begin(frames)
    clip = once(JAW)
    angles = np.interp(np.arange(len(clip)), [0, 10, 20, 30], [0.0, 0.0, 25.0, 0.0])
    frames.play([turned(points, angle) for points, angle in zip(clip, angles, strict=True)])
    assert (enrolment.progress.captured, enrolment.progress.hint) == (0, hints.TURNED)


def test_who_looks_away_is_told_to_look_at_the_camera_until_they_do(frames: Frames) -> None:
    enrolment = begin(frames)
    frames.play([turned(points, 40.0) for points in resting()])
    assert enrolment.progress.hint == hints.LOOK
    frames.play(resting())
    assert enrolment.progress.hint == ""


def test_who_does_not_move_is_told_to(frames: Frames) -> None:
    enrolment = begin(frames)
    frames.play(resting(4.0))
    assert enrolment.progress.hint == ""
    frames.play(resting(2.0))
    assert enrolment.progress.hint == hints.MOVE
    frames.play(once(JAW))
    assert (enrolment.progress.captured, enrolment.progress.hint) == (1, "")


def test_while_no_face_is_seen_or_nothing_is_known_of_it_it_says_so(frames: Frames) -> None:
    enrolment = frames.stage.enrol(wish())
    frames.show()
    assert (enrolment.progress.state, enrolment.progress.hint) == (WAITING_FOR_FACE, hints.LOOK)
    frames.play(resting(0.2))
    assert (enrolment.progress.state, enrolment.progress.hint) == (WAITING, "")
    for away in ((), (face(np.full((468, 3), np.nan)),)):
        frames.show(*away)
        assert enrolment.progress.hint == hints.LOOK
        frames.play(resting(0.2))
    assert enrolment.progress.hint == ""


@pytest.mark.parametrize("shapes", [(JAW, BROWS, JAW), (BROWS, JAW, JAW)], ids=["the second", "the first"])
def test_one_repetition_unlike_the_others_is_left_out_and_another_is_asked_for(
    frames: Frames, shapes: tuple[np.ndarray, ...]
) -> None:
    enrolment = begin(frames)
    frames.play([*once(shapes[0]), *once(shapes[1])])
    assert (enrolment.progress.captured, enrolment.progress.hint) == (1, hints.AGAIN)
    assert enrolment.progress.quality == 0.0
    frames.play(once(shapes[2]))
    assert enrolment.is_complete and frames.stage.store(enrolment).templates == 2
    frames.stage.identify()
    assert frames.play([*resting(), *once(JAW)]).score > 0.99


def test_repetitions_that_stay_unlike_each_other_are_refused(frames: Frames) -> None:
    enrolment = begin(frames, repetitions=4, timeout_s=600.0)
    for _ in range(4):
        for shape in (JAW, BROWS, SMILE):
            frames.play(once(shape))
    assert reason(enrolment, frames) == (
        "the repetitions are too unlike each other; choose a motion that you can repeat"
    )
    assert frames.stage.subjects() == ()


def test_a_motion_too_like_another_subjects_is_refused_at_once(frames: Frames) -> None:
    enrolled(frames, JAW)
    enrolment = begin(frames)
    frames.play(once(JAW))
    assert reason(enrolment, frames) == "this motion is too like that of another subject; choose another motion"
    assert len(frames.stage.subjects()) == 1


def test_enrolments_do_not_try_motions_without_an_end(frames: Frames) -> None:
    enrolled(frames, JAW)
    with pytest.raises(RequestRefusedError, match="too many failures"):
        for _ in range(100):
            enrolment = begin(frames)
            frames.play(once(JAW))
            assert "too like" in reason(enrolment, frames)
            frames.play(resting(2.0))


def test_who_is_forgotten_while_more_is_enrolled_does_not_come_back(frames: Frames) -> None:
    handle = enrolled(frames, JAW)
    enrolment = begin(frames, subject=handle)
    frames.stage.forget(handle)
    assert reason(enrolment, frames) == "the subject was forgotten; enrol a new one"


def test_revoking_ends_an_enrolment(frames: Frames) -> None:
    enrolled(frames, JAW)
    enrolment = begin(frames)
    frames.stage.revoke()
    assert reason(enrolment, frames) == "the gallery was revoked; begin anew"
    assert frames.stage.subjects() == ()


def test_more_repetitions_and_another_motion_may_be_added_to_a_subject(frames: Frames) -> None:
    handle = enrolled(frames, JAW)
    assert enrolled(frames, JAW, subject=handle) == handle
    assert enrolled(frames, BROWS, subject=handle) == handle
    (subject,) = frames.stage.subjects()
    assert subject.templates == 6


def test_the_time_is_that_of_the_stamps_and_ends(frames: Frames) -> None:
    enrolment = frames.stage.enrol(wish(timeout_s=5.0))
    frames.play([*resting(), *once(JAW)])
    assert enrolment.outcome is None and enrolment.progress.captured == 1
    frames.play(resting(2.0))
    assert reason(enrolment, frames) == "time is over after 5 s; allow for more time"
    frames.stage.enrol(wish())


def test_where_no_face_comes_the_time_ends_too(frames: Frames) -> None:
    enrolment = frames.stage.enrol(wish(timeout_s=5.0))
    for _ in range(130):
        frames.show()
    assert reason(enrolment, frames) == "time is over after 5 s; look at the camera"


def test_whose_track_ends_has_to_begin_anew(frames: Frames) -> None:
    enrolment = begin(frames)
    frames.play(once(JAW))
    frames.show(ended=(1,))
    assert reason(enrolment, frames) == "the face was lost; have the person look at the camera, and begin anew"


def test_once_all_is_captured_the_face_may_leave(frames: Frames) -> None:
    enrolment = begin(frames)
    play_until_complete(frames, enrolment, JAW)
    frames.show(ended=(1,))
    assert frames.stage.store(enrolment).success


def test_a_reset_ends_it_also_where_all_is_captured(frames: Frames) -> None:
    enrolment = begin(frames)
    play_until_complete(frames, enrolment, JAW)
    frames.stage.reset()
    assert reason(enrolment, frames) == "identity was stopped; begin anew"
    assert frames.stage.subjects() == ()


def test_before_all_is_captured_nothing_can_be_stored(frames: Frames) -> None:
    enrolment = begin(frames)
    frames.play(once(JAW))
    with pytest.raises(RequestRefusedError, match="the repetitions are not captured yet"):
        frames.stage.store(enrolment)
    assert frames.stage.subjects() == ()


def test_all_that_a_person_may_be_told_to_do_is_explained() -> None:
    page = (Path(__file__).parents[2] / "docs" / "identity_node.md").read_text(encoding="utf-8")
    told = (hints.LOOK, hints.MOVE, hints.WEAKER, hints.SHORTER, hints.LONGER, hints.TURNED, hints.AGAIN)
    assert [hint for hint in told if f"| {hint} |" not in page] == []


def test_a_gallery_that_cannot_be_made_is_said_before_anybody_moves(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "gallery").write_text("a file")
    with pytest.raises(GalleryError):
        stage_of(bundle, tmp_path / "gallery").enrol(wish())


def test_where_storing_fails_it_says_why_and_another_enrolment_may_begin(
    frames: Frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*given: object, **also: object) -> None:
        raise GalleryBusyError("gallery", 0.5)

    enrolment = begin(frames)
    play_until_complete(frames, enrolment, JAW)
    with monkeypatch.context() as broken:
        broken.setattr(Gallery, "enrol", busy)
        outcome = frames.stage.store(enrolment)
    assert not outcome.success and "another process has held it" in outcome.message
    assert frames.stage.subjects() == ()
    enrolled(frames, JAW)


def test_a_gallery_that_breaks_while_the_person_moves_ends_it(frames: Frames, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*given: object, **also: object) -> None:
        raise GalleryBusyError("gallery", 0.5)

    enrolment = begin(frames)
    monkeypatch.setattr(Gallery, "compare", busy)
    frames.play(once(JAW))
    assert "the gallery cannot be read" in reason(enrolment, frames)


def test_a_face_that_is_enrolled_is_not_judged_meanwhile(frames: Frames) -> None:
    handle = enrolled(frames, JAW)
    frames.stage.verify(handle)
    begin(frames)
    assert frames.stage.diagnostics()["requests"] == 0
    assert frames.stage.diagnostics()["enrolment"] == "waiting_for_motion"


def test_another_face_may_be_judged_meanwhile(frames: Frames) -> None:
    handle = enrolled(frames, JAW)

    def beside() -> list[FaceLandmarks]:
        return [face(resting()[0], 2, size=0.5)]

    enrolment = frames.stage.enrol(wish(track_id=2))
    frames.play(resting(), beside=beside)
    frames.stage.verify(handle, 1)
    frames.play([*resting(), *once(JAW)], beside=beside)
    assert frames.told(1).subject == handle and frames.told(1).score > 0.8
    assert enrolment.outcome is None
