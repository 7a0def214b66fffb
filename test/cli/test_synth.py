"""`face1d synth` and `face1d bench synth`, with a face model that needs no file."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from synth.tiny import assert_same, tiny_model

from face1d_ros.cli import bench_synth, synth_baselines, synth_make
from face1d_ros.cli.main import face1d
from face1d_ros.errors import CorpusMismatchError, Face1dError, FaceModelMissingError, InvalidValueError
from face1d_ros.synth.corpus import writer
from face1d_ros.synth.corpus.fixed_sets import load_small_test_set
from face1d_ros.synth.corpus.reader import Corpus

ROOT = Path(__file__).parents[2]
SMALL_CORPUS = ("--sequences", "4", "--seconds", "1", "--points", "68")


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny model in place of a file, and shards made in this process."""
    for module in (synth_make, bench_synth):
        monkeypatch.setattr(module, "load_face_model", lambda path: tiny_model())
        monkeypatch.setattr(module, "point_model", lambda model, points: tiny_model())
    monkeypatch.setattr(
        writer,
        "_made",
        lambda job, folder, workers: (writer.make_shard(job, folder, number) for number in range(job.shards)),
    )
    monkeypatch.setattr(type(tiny_model()), "name", "tiny", raising=False)
    monkeypatch.setattr(type(tiny_model()), "sha256", "0" * 64, raising=False)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(face1d, arguments, catch_exceptions=True)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    done = run("synth", "make", str(tmp_path / "corpus"), *SMALL_CORPUS)
    assert done.exit_code == 0, done.output
    return tmp_path / "corpus"


@pytest.mark.parametrize("command", ["synth", "synth make", "synth show", "synth baselines", "bench synth"])
def test_every_command_has_help(command: str) -> None:
    done = run(*command.split(), "--help")
    assert done.exit_code == 0 and done.output.startswith("Usage:")


def test_make_says_what_it_made_and_a_second_call_finds_it_complete(corpus: Path) -> None:
    assert len(Corpus(corpus)) == 4
    before = {path.name: path.stat().st_mtime_ns for path in corpus.glob("shard*")}
    done = run("synth", "make", str(corpus), *SMALL_CORPUS)
    assert done.exit_code == 0 and "complete" in done.output
    assert {path.name: path.stat().st_mtime_ns for path in corpus.glob("shard*")} == before


def test_make_refuses_a_folder_with_other_parameters(corpus: Path) -> None:
    done = run("synth", "make", str(corpus), *SMALL_CORPUS, "--seed", "2")
    assert isinstance(done.exception, CorpusMismatchError) and "seed 1 there, 2 asked for" in str(done.exception)


def test_all_splits_go_into_folders_of_their_own(tmp_path: Path) -> None:
    done = run(
        "synth", "make", str(tmp_path), "--split", "all", "--sequences", "11", "--seconds", "0.5", "--points", "68"
    )
    assert done.exit_code == 0, done.output
    sizes = {name: len(Corpus(tmp_path / name)) for name in ("train", "validation", "test")}
    assert sizes == {"train": 11, "validation": 2, "test": 2}


def test_without_a_face_model_make_says_where_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from face1d_ros.synth.faces.model import load_face_model

    monkeypatch.setattr(synth_make, "load_face_model", load_face_model)
    monkeypatch.delenv("FACE1D_FACE_MODEL", raising=False)
    done = run("synth", "make", str(tmp_path / "corpus"))
    assert isinstance(done.exception, FaceModelMissingError) and "ICT-FaceKit" in str(done.exception)


def test_a_contact_sheet_shows_the_sequence(corpus: Path, tmp_path: Path) -> None:
    picture = tmp_path / "sheet.png"
    done = run("synth", "show", f"{corpus}:1", "--output", str(picture))
    assert done.exit_code == 0, done.output
    image = cv2.imread(str(picture))[..., ::-1].astype(int)
    for colour in ((70, 130, 70), (214, 106, 20)):  # truth and detected points
        assert (np.abs(image - colour).sum(axis=2) < 60).sum() > 300


@pytest.mark.parametrize("name", ["film.mp4", "film.gif"])
def test_an_animation_has_a_picture_for_every_frame_shown(corpus: Path, tmp_path: Path, name: str) -> None:
    done = run("synth", "show", f"{corpus}:0", "--output", str(tmp_path / name))
    assert done.exit_code == 0, done.output
    sequence = Corpus(corpus)[0]
    expected = len(range(0, len(sequence), max(round(sequence.plan.camera.rate_hz / 30.0), 1)))
    film = cv2.VideoCapture(str(tmp_path / name))
    found = 0
    while film.read()[0]:
        found += 1
    assert expected <= found <= expected + 2  # a dropped frame is filled with the one before


def test_sequences_are_listed_and_named(corpus: Path, tmp_path: Path) -> None:
    listed = run("synth", "show", str(corpus), "--list").output.split()
    assert listed[1::2] == list(Corpus(corpus).names)
    done = run("synth", "show", f"{corpus}:{listed[3]}", "--output", str(tmp_path / "named.png"))
    assert done.exit_code == 0 and listed[3] in done.output


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("9", "x.png"), InvalidValueError),
        (("nobody", "x.png"), InvalidValueError),
        (("0", "x.txt"), InvalidValueError),
    ],
)
def test_what_cannot_be_shown_is_refused(corpus: Path, tmp_path: Path, arguments: tuple[str, str], error: Any) -> None:
    done = run("synth", "show", f"{corpus}:{arguments[0]}", "--output", str(tmp_path / arguments[1]))
    assert isinstance(done.exception, error)


def test_a_folder_without_a_corpus_is_refused(tmp_path: Path) -> None:
    done = run("synth", "show", str(tmp_path), "--output", str(tmp_path / "x.png"))
    assert isinstance(done.exception, Face1dError) and "holds no corpus" in str(done.exception)


def test_baselines_of_the_small_set_are_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    some = load_small_test_set()[:6]
    monkeypatch.setattr(synth_baselines, "load_small_test_set", lambda: some)
    done = run("synth", "baselines", "--json", str(tmp_path / "b.json"))
    assert done.exit_code == 0, done.output
    rows = json.loads((tmp_path / "b.json").read_text())["rows"]
    assert [row["landmarks"] for row in rows] == list(synth_baselines.AVERAGES)
    assert rows[0]["nme_percent"] < rows[1]["nme_percent"] < rows[2]["nme_percent"]
    assert rows[0]["sta1_percent"] > rows[1]["sta1_percent"] > rows[2]["sta1_percent"]


def test_the_bench_writes_its_target(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bench_synth, "PART_SEQUENCES", 2)
    done = run("bench", "synth", "--sequences", "8", "--rounds", "1", "--json", str(tmp_path / "b.json"))
    assert done.exit_code == 0, done.output
    written = json.loads((tmp_path / "b.json").read_text())
    whole = written["rows"][0]
    assert written["targets"]["synth.frames_per_s"]["value"] == whole["frames_per_s"] > 0
    assert written["targets"]["synth.frames_per_s"]["target"] == 20_000
    steps = {row["step"]: row["cpu_us"] for row in written["rows"] if row["points"] == 478}
    assert {"plan and its hash", "shape", "projection", "detector noise", "all steps and files"} <= set(steps)
    assert all(value >= 0 for value in steps.values())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        *[
            (("--test-set", "synthetic-test-v1", *option.split()), f"{option.split()[0]} has no effect")
            for option in ("--sequences 3", "--seconds 1", "--scenario all", "--seed 1", "--split train",
                           "--per-subject 2", f"--capture {__file__}")
        ],
        *[
            (("--capture", __file__, *option.split()), f"{option.split()[0]} has no effect")
            for option in ("--seconds 8", "--scenario all", "--per-subject 4")
        ],
        (("--capture", __file__, "--split", "all"), "into every split"),
        (("--seed", "1e23"), f"0 to {2**63 - 1}"),
        (("--seed", str(10**23)), f"0 to {2**63 - 1}"),
    ],
)  # fmt: skip
def test_options_that_would_do_nothing_are_refused(tmp_path: Path, options: tuple[str, ...], says: str) -> None:
    done = run("synth", "make", str(tmp_path / "corpus"), *options)
    assert done.exit_code == 2 and says in " ".join(done.output.split()), done.output
    assert not (tmp_path / "corpus").exists()


SCRIPT = """
from synth.tiny import tiny_model
from face1d_ros.cli import synth_make
from face1d_ros.cli.main import main
if __name__ == "__main__":
    synth_make.load_face_model = lambda path: tiny_model()
    synth_make.point_model = lambda model, points: model
    main()
"""
DEADLINE_S = 60.0


def started(place: Path, folder: Path, sequences: int) -> subprocess.Popen[str]:
    """`synth make` in processes of its own, with real workers."""
    (place / "run.py").write_text(SCRIPT)
    arguments = ["synth", "make", str(folder), "--sequences", str(sequences), "--seconds", "1"]
    return subprocess.Popen(
        [sys.executable, str(place / "run.py"), *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'test'}"},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_until(true: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def running(session: int) -> set[int]:
    """Processes of a session, apart from those that only wait to be counted."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            state, _, _, of = path.read_text().rpartition(")")[2].split()[:4]
            if int(of) == session and state != "Z":
                found.add(int(path.parent.name))
    return found


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_kill_end_quietly_and_say_how_to_carry_on(tmp_path: Path, sent: signal.Signals) -> None:
    folder = tmp_path / "corpus"
    process = started(tmp_path, folder, 2000)
    wait_until(lambda: bool(list(folder.glob("shard-*.json"))) or process.poll() is not None)
    if sent == signal.SIGINT:
        os.killpg(process.pid, sent)  # as a terminal does
    else:
        process.send_signal(sent)
    _, errors = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 130, errors
    assert "the same command carries on" in errors and "Traceback" not in errors
    assert json.loads((folder / "manifest.json").read_text())["complete"] is False
    assert not list(folder.glob("*.part"))
    wait_until(lambda: not running(process.pid))


def test_a_killed_run_leaves_no_process_and_is_carried_on_at_once(tmp_path: Path) -> None:
    folder, whole = tmp_path / "corpus", tmp_path / "whole"
    killed = started(tmp_path, folder, 400)
    wait_until(lambda: bool(list(folder.glob("shard-*.part"))) or killed.poll() is not None)
    killed.kill()
    killed.communicate(timeout=DEADLINE_S)
    for again in (started(tmp_path, folder, 400), started(tmp_path, whole, 400)):
        _, errors = again.communicate(timeout=DEADLINE_S)
        assert again.returncode == 0, errors
    wait_until(lambda: not running(killed.pid))
    assert_same(folder, whole)
