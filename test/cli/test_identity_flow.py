"""What `face1d identity` makes of recordings, told by faces that no detector has to find."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from cli.identity_recordings import RATE_HZ, Clips, of_one, once, repeated, run
from click.testing import Result
from stages.identity_faces import MOTIONS, face, moving, resting, write_encoder

from face1d_ros.cli import identity_faces, identity_options
from face1d_ros.errors import (
    ConsentMissingError,
    GalleryBusyError,
    RequestRefusedError,
    SourceBrokenOffError,
    SourceNotFoundError,
    SubjectUnknownError,
)
from face1d_ros.gallery.disk import locked
from face1d_ros.gallery.gallery import Gallery
from face1d_ros.gallery.keys import KeyFile
from face1d_ros.replay.feed import EveryFrame

TOLD = ("--consent", "I agree.")
FAR = (560.0, 240.0)


class Desk:
    """Where somebody types the command."""

    def __init__(self, folder: Path, bundle: Path, clips: Clips) -> None:
        self.clips = clips
        self.gallery, self.key = folder / "gallery", folder / "gallery.key"
        self.json = folder / "told.json"
        self.places = ("--gallery", self.gallery, "--key-file", self.key)
        self.options = (*self.places, "--model", bundle, "--engine", "onnxruntime")

    def enroll(self, *words: object) -> Result:
        return run("enroll", *words, *self.options)

    def enrolled(self, name: str, *words: object) -> str:
        """The handle of a person with this motion."""
        self.clips[f"{name}3"] = repeated(name, 3)
        done = self.enroll(f"{name}3", *TOLD, *words)
        found = re.search(r"subject ([0-9a-f]{16})", done.output)
        assert found is not None, (done.output, done.exception)
        return found[1]

    def judged(self, *words: object) -> tuple[int, dict[str, Any]]:
        """Exit code, and what was written."""
        done = run(*words, "--json", self.json, *self.options)
        assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
        return done.exit_code, json.loads(self.json.read_text())

    def opened(self) -> Gallery:
        return Gallery.open(self.gallery, KeyFile(self.key), algorithm="deformation 1", dimension=204)


def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Live sources give each frame as soon as it is asked for, and none is left out."""
    monkeypatch.setattr(identity_faces, "paced", lambda frames, **_: frames)
    monkeypatch.setattr(identity_faces, "NewestFrame", EveryFrame)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("models") / "deformation")


@pytest.fixture
def desk(tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, bundle, Clips(monkeypatch))


def test_several_videos_make_one_subject(desk: Desk) -> None:
    for name in "abc":
        desk.clips[name] = once("jaw")
    done = desk.enroll("a", "b", "c", *TOLD)
    assert done.exit_code == 0, done.exception
    assert "b: 1 repetition taken, 2 of 3 so far" in done.output
    (subject,) = desk.opened().subjects()
    assert subject.templates == 3


def test_too_few_repetitions_store_nothing(desk: Desk) -> None:
    desk.clips["a"] = repeated("jaw", 2)
    done = desk.enroll("a", *TOLD)
    assert isinstance(done.exception, RequestRefusedError)
    assert "2 of 3 repetitions were found" in str(done.exception)
    assert "nothing was stored" in str(done.exception)
    assert desk.opened().is_empty


def test_the_motion_of_another_subject_is_refused(desk: Desk) -> None:
    desk.enrolled("jaw")
    done = desk.enroll("jaw3", *TOLD)
    assert "too like that of another subject" in str(done.exception)
    assert len(desk.opened().subjects()) == 1


def test_templates_can_be_added_to_a_subject(desk: Desk) -> None:
    handle = desk.enrolled("jaw")
    done = desk.enroll("jaw3", *TOLD, "--subject", handle, "--repetitions", 2)
    assert f"added to  subject {handle}" in done.output
    assert desk.opened().subjects()[0].templates == 5


def test_nobody_is_enrolled_without_consent(desk: Desk) -> None:
    desk.clips["a"] = repeated("jaw", 3)
    for words in ((), ("--consent", " ")):
        assert isinstance(desk.enroll("a", *words).exception, ConsentMissingError)
    assert not desk.gallery.exists()


@pytest.mark.parametrize(("answer", "agrees"), [("y\n", True), ("n\n", False)])
def test_a_person_at_a_terminal_is_asked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, answer: str, agrees: bool
) -> None:
    monkeypatch.setattr("face1d_ros.cli.identity_enroll.somebody_is_there", lambda: True)
    desk.clips["a"] = repeated("jaw", 3)
    done = run("enroll", "a", *desk.options, answer=answer)
    assert "stored encrypted in this gallery" in done.output
    if agrees:
        gallery = desk.opened()
        (consent,) = gallery.consents(gallery.subjects()[0].handle)
        assert consent.text.startswith("I agree that numbers")
    else:
        assert isinstance(done.exception, ConsentMissingError)
        assert not desk.gallery.exists()


def test_who_expires_is_removed_and_known_no_more(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    handle = desk.enrolled("jaw", "--expires", "30d")
    (subject,) = desk.opened().subjects()
    days = (subject.expires_ns - subject.enrolled_ns) / 86_400e9
    assert days == 30
    later_ns = subject.expires_ns + 1
    monkeypatch.setattr("time.time_ns", lambda: later_ns)
    done = run("verify", "jaw3", "--subject", handle, *desk.options)
    assert "1 subject had expired and was removed" in done.output
    assert isinstance(done.exception, SubjectUnknownError)
    assert desk.opened().is_empty


def test_verify_tells_score_margin_and_stretch(desk: Desk) -> None:
    handle = desk.enrolled("jaw")
    desk.enrolled("brows")
    desk.clips["again"] = once("jaw")
    code, told = desk.judged("verify", "again", "--subject", handle)
    assert (code, told["decision"], told["claimed"]) == (0, "verified", True)
    assert 0.2 < told["margin"] < 2.0
    assert 0.7 < told["judged_from_s"] < 1.3
    assert 1.8 < told["judged_to_s"] < 2.5


def test_identify_finds_who_it_is_or_nobody(desk: Desk) -> None:
    desk.enrolled("jaw")
    handle = desk.enrolled("brows")
    desk.clips["again"], desk.clips["other"] = once("brows"), once("smile")
    code, told = desk.judged("identify", "again")
    assert (code, told["subject"], told["claimed"]) == (0, handle, False)
    code, told = desk.judged("identify", "other")
    assert (code, told["decision"], told["subject"]) == (3, "no_match", None)


def test_a_later_attempt_may_be_right(desk: Desk) -> None:
    handle = desk.enrolled("jaw")
    right = [*moving(MOTIONS["jaw"]), *resting(1.4)]
    desk.clips["both"] = of_one([*resting(), *moving(MOTIONS["smile"]), *resting(3.0), *right])
    assert desk.judged("verify", "both", "--subject", handle)[0] == 3
    code, told = desk.judged("verify", "both", "--subject", handle, "--attempts", 2)
    assert (code, [one["decision"] for one in told["attempts"]]) == (0, ["rejected", "verified"])


def test_many_failures_lock_out(desk: Desk) -> None:
    handle = desk.enrolled("jaw")
    wrong = [*moving(MOTIONS["smile"]), *resting(3.0)]
    desk.clips["wrong"] = of_one([*resting(), *(points for _ in range(7) for points in wrong)])
    code, told = desk.judged("verify", "wrong", "--subject", handle, "--attempts", 100)
    assert code == 5
    assert [one["decision"] for one in told["attempts"]] == ["rejected"] * 5 + ["locked_out"]


def test_a_video_that_ends_in_the_middle_of_a_motion_is_judged_as_it_is(desk: Desk) -> None:
    handle = desk.enrolled("jaw")
    clip = [*resting(), *moving(MOTIONS["jaw"])]
    desk.clips["cut"] = of_one(clip[: len(clip) * 3 // 4])
    done = run("verify", "cut", "--subject", handle, *desk.options)
    assert done.exit_code == 0, done.output
    assert "it ends before the face had rested for a second" in done.output


def test_the_largest_of_several_faces_is_looked_at(desk: Desk) -> None:
    handle = desk.enrolled("jaw")
    jaw, smile = resting() + moving(MOTIONS["jaw"]) + resting(1.4), resting() + moving(MOTIONS["smile"]) + resting(1.4)
    pairs = zip(jaw, smile, strict=True)
    desk.clips["two"] = [((face(b, 5, FAR, size=0.5), face(a, 7)), ()) for a, b in pairs]
    done = run("verify", "two", "--subject", handle, *desk.options)
    assert done.exit_code == 0, done.output
    assert "up to 2 faces at once; the largest was looked at" in done.output


def test_what_follows_the_loss_of_the_face_is_not_enrolled(desk: Desk) -> None:
    first, second = repeated("jaw", 2), of_one([*resting(), *moving(MOTIONS["jaw"]), *resting(1.8)], track_id=2)
    desk.clips["lost"] = [*first, ((), (1,)), *second]
    done = desk.enroll("lost", *TOLD)
    assert "2 of 3 repetitions were found" in str(done.exception)
    assert "the face was lost at" in done.output
    desk.clips["more"] = once("jaw")
    assert desk.enroll("lost", "more", *TOLD).exit_code == 0


def test_whoever_comes_after_a_lost_face_is_judged_anew(desk: Desk) -> None:
    handle = desk.enrolled("jaw")
    half = [*resting(), *moving(MOTIONS["smile"])[:15]]
    right = of_one([*resting(), *moving(MOTIONS["jaw"]), *resting(1.4)], track_id=2)
    desk.clips["change"] = [*of_one(half), ((), (1,)), *right]
    code, told = desk.judged("verify", "change", "--subject", handle)
    assert (code, told["decision"]) == (0, "verified")
    assert told["judged_from_s"] > len(half) / RATE_HZ


def test_a_recording_that_breaks_off_stores_nothing(desk: Desk) -> None:
    def broken_off(index: int) -> None:
        if index == 100:
            raise SourceBrokenOffError("a", "ended after 100 images")

    desk.clips["a"] = repeated("jaw", 3)
    desk.clips.before = broken_off
    assert isinstance(desk.enroll("a", *TOLD).exception, SourceBrokenOffError)
    assert desk.opened().is_empty


def test_a_face_seen_for_a_moment_is_not_the_person(desk: Desk) -> None:
    desk.clips["flicker"] = [*of_one(resting(0.2), track_id=8), ((), (8,)), *repeated("jaw", 3)]
    assert desk.enroll("flicker", *TOLD).exit_code == 0


def test_a_video_without_a_face_is_not_enough_motion(desk: Desk) -> None:
    handle = desk.enrolled("jaw")
    desk.clips["empty"] = [((), ())] * 50
    done = run("verify", "empty", "--subject", handle, *desk.options)
    assert done.exit_code == 4
    assert "no face in any of 50 frames" in done.output


def test_ctrl_c_stores_nothing(desk: Desk) -> None:
    desk.clips["a"] = repeated("jaw", 3)
    desk.clips.before = lambda index: os.kill(os.getpid(), signal.SIGINT) if index == 60 else None
    done = desk.enroll("a", *TOLD)
    assert done.exit_code == 1  # click's own, without `main`, which makes 130 of it
    assert "interrupted: nothing was stored" in done.output
    assert desk.opened().is_empty


def test_a_gallery_that_another_process_holds_is_named(desk: Desk) -> None:
    handle = desk.enrolled("jaw")
    with locked(desk.gallery, patience_s=1.0):
        done = run("verify", "jaw3", "--subject", handle, *desk.options)
    assert isinstance(done.exception, GalleryBusyError)


def test_hints_tell_when_something_could_have_been_better(desk: Desk) -> None:
    other = of_one([*moving(MOTIONS["smile"]), *resting(1.8)])
    desk.clips["mixed"] = [*repeated("jaw", 2), *other]
    done = desk.enroll("mixed", *TOLD)
    assert isinstance(done.exception, RequestRefusedError)
    assert re.search(r"mixed: at (8|9|10)\.\d s: repeat the same motion", done.output)


def test_a_missing_video_is_named(desk: Desk) -> None:
    assert isinstance(desk.enroll("nowhere.mp4", *TOLD).exception, SourceNotFoundError)


def test_a_name_in_place_of_a_handle_is_not_repeated(desk: Desk) -> None:
    desk.enrolled("jaw")
    done = run("verify", "jaw3", "--subject", "Eileen", *desk.options)
    assert isinstance(done.exception, SubjectUnknownError)
    assert "Eileen" not in str(done.exception)


def test_subjects_of_another_model_cannot_be_identified(desk: Desk, bundle: Path, tmp_path: Path) -> None:
    desk.enrolled("jaw")
    other = write_encoder(tmp_path / "other", name="other")
    done = run("identify", "jaw3", *desk.places, "--model", other, "--engine", "onnxruntime")
    assert isinstance(done.exception, RequestRefusedError)
    assert "were enrolled with deformation 1, this is other 1" in str(done.exception)


def test_live_enrolment_guides(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once(monkeypatch)
    monkeypatch.setattr("face1d_ros.cli.screen.PLAIN_LINE_S", 0.0)
    desk.clips["desk"] = repeated("jaw", 3)
    done = desk.enroll("--live", "--source", "desk", *TOLD)
    assert done.exit_code == 0, done.output
    assert "Repeat it in the same way" in done.output
    assert "waiting for the motion   captured 0 of 3" in done.output
    assert "recording   captured" in done.output
    assert re.search(r"captured 2 of 3   quality \d+%", done.output)


def test_live_enrolment_ends_when_the_face_is_lost(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once(monkeypatch)
    desk.clips["desk"] = [*repeated("jaw", 1), ((), (1,)), *of_one(resting(), track_id=2)]
    done = desk.enroll("--live", "--source", "desk", *TOLD)
    assert "the face was lost" in str(done.exception)


def test_live_frames_come_in_real_time(desk: Desk) -> None:
    desk.enrolled("jaw")
    desk.clips["desk"] = of_one(resting(0.5))
    began_s = time.monotonic()
    code, told = desk.judged("identify", "--live", "--source", "desk")
    assert time.monotonic() - began_s > 0.4
    assert (code, told["decision"]) == (4, "not_enough_motion")


def test_live_judging_gives_up_without_a_face(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once(monkeypatch)
    desk.enrolled("jaw")
    desk.clips["desk"] = [((), ())] * 100
    code, told = desk.judged("identify", "--live", "--source", "desk", "--timeout", 2)
    assert (code, told["decision"]) == (4, "not_enough_motion")


@pytest.mark.parametrize(
    "words",
    [
        ("enroll", *TOLD),
        ("enroll", "a", "--live", *TOLD),
        ("verify", "a"),
        ("verify", "--subject", "0" * 16),
        ("identify", "a", "--live"),
        ("identify", "a", "--json", "/nowhere/told.json"),
        ("identify", "a", "--key", "env", "--key-file", "f"),
        ("enroll", "a", *TOLD, "--expires", "soon"),
        ("enroll", "a", *TOLD, "--expires", "0d"),
    ],
)
def test_wrong_usage_is_refused(words: tuple[str, ...]) -> None:
    assert run(*words).exit_code == 2


@pytest.mark.parametrize(
    "name", ["", "enroll", "verify", "identify", "list", "forget", "revoke", "rotate-key", "expire"]
)
def test_every_command_has_help(name: str) -> None:
    done = run(*name.split(), "--help")
    assert done.exit_code == 0
    assert done.output.startswith(f"Usage: identity {name}".rstrip())


def test_options_that_name_a_place_again() -> None:
    for setting, told in (("auto", ""), ("environment", " --key env"), ("/a b/k", " --key-file '/a b/k'")):
        config = identity_options.identity_config({"gallery": None, "key_file": None, "key": None})
        changed = type(config)(key=setting)
        assert identity_options.same_place(changed) == told
