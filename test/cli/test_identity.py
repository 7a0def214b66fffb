"""`face1d identity` on videos of the portrait, through the real detector."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest
from cli.identity_recordings import run, write_video
from stages.identity_faces import write_encoder

from face1d_ros.errors import GalleryWrongKeyError, RequestRefusedError, SourceUnreadableError

HANDLE = re.compile(r"subject ([0-9a-f]{16})")


class Place:
    """Videos, and a gallery in which the portrait is enrolled with its jaw."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for what, times in (("jaw", 2), ("brows", 1), ("still", 1)):
            write_video(folder / f"{what}.mp4", what, times)
        self.options = (
            *("--model", write_encoder(folder / "deformation"), "--engine", "onnxruntime"),
            *("--gallery", folder / "gallery", "--key-file", folder / "gallery.key"),
        )
        self.enrolled = run(
            "enroll", self / "jaw.mp4", "--repetitions", 2, "--consent", "I agree to this.", *self.options
        )
        found = HANDLE.search(self.enrolled.output)
        self.handle = found[1] if found else ""

    def __truediv__(self, name: str) -> Path:
        return self.folder / name


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("identity"))


def test_a_motion_is_enrolled_from_a_video_and_how_to_forget_it_is_told(place: Place) -> None:
    assert place.enrolled.exit_code == 0, place.enrolled.output
    output = place.enrolled.output
    assert "2 of 2 so far" in output
    assert re.search(r"enrolled  subject [0-9a-f]{16}  2 templates  quality \d+%", output)
    assert f"face1d identity forget {place.handle} --gallery {place / 'gallery'}" in output
    assert str(place / "gallery.key") in output


def test_what_is_stored_is_private_and_holds_no_plain_consent(place: Place) -> None:
    assert stat.S_IMODE((place / "gallery").stat().st_mode) == 0o700
    assert stat.S_IMODE((place / "gallery.key").stat().st_mode) == 0o600
    stored = b"".join(path.read_bytes() for path in (place / "gallery").iterdir())
    assert b"I agree" not in stored


def test_the_same_motion_is_verified_and_the_decision_is_written(place: Place) -> None:
    path = place / "verified.json"
    done = run("verify", place / "jaw.mp4", "--subject", place.handle, "--json", path, *place.options)
    assert done.exit_code == 0, done.output
    assert done.output.startswith("verified")
    assert "motion only" in done.output
    told = json.loads(path.read_text())
    assert told["decision"] == "verified"
    assert told["subject"] == place.handle
    assert told["model"] == "deformation 1"
    assert told["score"] >= told["threshold"] == 0.65
    assert 0.5 < told["judged_from_s"] < 1.2 < told["judged_to_s"] < 3.0
    assert told["factors"] == ["motion"]
    assert told["template_age_s"] >= 0.0


def test_another_motion_is_rejected(place: Place) -> None:
    done = run("verify", place / "brows.mp4", "--subject", place.handle, *place.options)
    assert done.exit_code == 3, done.output
    assert done.output.startswith("rejected")


def test_a_face_at_rest_is_not_enough(place: Place) -> None:
    path = place / "still.json"
    done = run("verify", place / "still.mp4", "--subject", place.handle, "--json", path, *place.options)
    assert done.exit_code == 4, done.output
    assert json.loads(path.read_text())["score"] is None


def test_a_video_that_is_none_is_refused_before_anything_is_stored(place: Place, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    done = run(
        *("enroll", place / "jaw.mp4", broken, "--consent", "yes", "--gallery", tmp_path / "other", *place.options[:4]),
        *("--key-file", tmp_path / "other.key"),
    )
    assert isinstance(done.exception, SourceUnreadableError)
    assert "broken.mp4" in str(done.exception)
    assert not (tmp_path / "other").exists()


def test_a_wrong_key_is_named(place: Place, tmp_path: Path) -> None:
    key = tmp_path / "wrong.key"
    key.write_text("00" * 31 + "11\n")
    key.chmod(0o600)
    done = run("identify", place / "jaw.mp4", *place.options[:6], "--key-file", key)
    assert isinstance(done.exception, GalleryWrongKeyError)
    assert "wrong.key" in str(done.exception)


def test_an_empty_gallery_identifies_nobody_and_is_not_made(place: Place, tmp_path: Path) -> None:
    done = run("identify", place / "jaw.mp4", *place.options[:4], "--gallery", tmp_path / "none")
    assert isinstance(done.exception, RequestRefusedError)
    assert "nobody is enrolled" in str(done.exception)
    assert not (tmp_path / "none").exists()
