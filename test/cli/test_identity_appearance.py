"""`face1d identity` with a model that looks at the face: enrolled with it, nobody is verified by the motion alone."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli.identity_recordings import Clips, once, repeated, run
from click.testing import Result
from stages.appearance_bundles import portrait, write_embedder
from stages.identity_faces import write_encoder

from face1d_ros.cli import identity_enroll

ADA, BOB = 1, 2
TOLD = ("--consent", "I agree.")


class Desk:
    """Where somebody types the command."""

    def __init__(self, folder: Path, bundles: tuple[Path, Path], clips: Clips) -> None:
        encoder, embedder = bundles
        self.clips, self.json = clips, folder / "told.json"
        self.places = ("--gallery", folder / "gallery", "--key-file", folder / "gallery.key")
        self.plain = (*self.places, "--model", encoder, "--engine", "onnxruntime")
        self.looking = (*self.plain, "--appearance-model", embedder)

    def record(self, name: str, person: int, motion: str, times: int = 0) -> str:
        self.clips[name] = repeated(motion, times) if times else once(motion)
        if person:
            self.clips.images[name] = portrait(person)
        return name

    def enrolled(self, *options: object) -> str:
        done = run("enroll", self.record("ada3", ADA, "jaw", 3), *TOLD, *options)
        found = re.search(r"subject ([0-9a-f]{16})", done.output)
        assert found is not None, (done.output, done.exception)
        return found[1]

    def judged(self, *words: object) -> tuple[Result, dict[str, Any]]:
        done = run(*words, "--json", self.json)
        assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
        return done, json.loads(self.json.read_text())


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("models")
    return write_encoder(folder / "deformation"), write_embedder(folder / "projection")


@pytest.fixture
def desk(tmp_path: Path, bundles: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, bundles, Clips(monkeypatch))


def test_the_face_that_was_enrolled_is_verified_by_both_and_another_is_not(desk: Desk) -> None:
    ada = desk.enrolled(*desk.looking)
    done, told = desk.judged("verify", desk.record("again", ADA, "jaw"), "--subject", ada, *desk.looking)
    assert (done.exit_code, told["factors"]) == (0, ["motion", "appearance"])
    assert "factors    motion and appearance" in done.output
    done, told = desk.judged("verify", desk.record("bob", BOB, "jaw"), "--subject", ada, *desk.looking)
    assert (done.exit_code, told["decision"], told["factors"]) == (3, "rejected", ["motion", "appearance"])
    assert told["score"] >= told["threshold"] and "appearance somebody else's" in done.output
    done, told = desk.judged("identify", desk.record("bob", BOB, "jaw"), *desk.looking)
    assert (done.exit_code, told["decision"]) == (3, "no_match")


def test_a_motion_that_a_recording_ends_with_is_judged_with_the_face_as_well(desk: Desk) -> None:
    ada = desk.enrolled(*desk.looking)
    desk.record("short", ADA, "jaw")
    desk.clips["short"] = desk.clips.recordings["short"][:-30]
    done, told = desk.judged("verify", "short", "--subject", ada, *desk.looking)
    assert (done.exit_code, told["factors"]) == (0, ["motion", "appearance"]), done.output


def test_where_the_face_is_not_seen_nothing_is_decided_and_it_says_why(desk: Desk) -> None:
    ada = desk.enrolled(*desk.looking)
    done, told = desk.judged("verify", desk.record("dark", 0, "jaw"), "--subject", ada, *desk.looking)
    assert (done.exit_code, told["decision"], told["score"]) == (4, "not_enough_motion", None)
    assert "face partly outside the image" in done.output and "appearance not seen (1)" in done.output


def test_who_was_enrolled_without_it_is_judged_by_motion_and_told_so(desk: Desk) -> None:
    ada = desk.enrolled(*desk.plain)
    done, told = desk.judged("verify", desk.record("bob", BOB, "jaw"), "--subject", ada, *desk.looking)
    assert (done.exit_code, told["factors"]) == (0, ["motion"]) and "motion only" in done.output


def test_who_is_judged_with_less_than_was_enrolled_is_told(desk: Desk) -> None:
    ada = desk.enrolled(*desk.looking)
    done, told = desk.judged("verify", desk.record("again", BOB, "jaw"), "--subject", ada, *desk.plain)
    assert (done.exit_code, told["factors"]) == (0, ["motion"])
    assert "motion alone, but enrolled with the appearance of projection 1 mean: --appearance-model" in done.output


def test_the_list_says_who_was_enrolled_with_a_face(desk: Desk) -> None:
    ada = desk.enrolled(*desk.looking)
    desk.record("brows3", BOB, "brows", 3)
    assert run("enroll", "brows3", *TOLD, *desk.plain).exit_code == 0
    listed = run("list", *desk.places).output
    assert "projection 1 mean" in listed and "motion only" in listed
    told = json.loads(run("list", "--json", *desk.places).output)["subjects"]
    assert {one["handle"]: one["appearance"] for one in told}[ada] == "projection 1 mean"
    assert None in [one["appearance"] for one in told]


@pytest.mark.parametrize(("looks", "said"), [(True, "images of my face itself"), (False, "a motion of my face are")])
def test_the_person_is_asked_about_what_is_stored(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, looks: bool, said: str
) -> None:
    monkeypatch.setattr(identity_enroll, "somebody_is_there", lambda: True)
    options = desk.looking if looks else desk.plain
    done = run("enroll", desk.record("ada3", ADA, "jaw", 3), *options, answer="n\n")
    assert said in done.output and not (Path(str(desk.places[1]))).exists()


def test_no_image_is_shown_to_a_stage_that_looks_at_none(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from face1d_ros.stages.identity import IdentityStage

    monkeypatch.setattr(IdentityStage, "see", None)
    desk.enrolled(*desk.plain)
    assert isinstance(desk.clips.images["ada3"], np.ndarray)
