"""Looking in another process: the same looks, the same words for what goes wrong, and nobody left behind."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from processes import is_there, wait_for
from replay_sources import exactly

from face1d_ros.cli.bench_bags import write_raw
from face1d_ros.config import CameraConfig, LandmarksConfig
from face1d_ros.errors import DetectorError, Face1dError, LookingDiedError, LookingError, SourceNotFoundError
from face1d_ros.replay import looking_apart
from face1d_ros.replay.checkpoint import Checkpoint
from face1d_ros.replay.looking import Look, Task
from face1d_ros.replay.looking_apart import LookingApart
from face1d_ros.replay.looking_here import LookingHere
from face1d_ros.replay.shared_images import PLACES

FRAMES = 25
PORTRAIT = Task(CameraConfig(source="portrait"), LandmarksConfig(), FRAMES)


def seen(looking: LookingHere | LookingApart, after: Checkpoint | None = None) -> list[Look]:
    """All looks, with images of their own."""
    assert looking.facts
    with closing(looking.looks(after)) as looks:
        return [replace(look, frame=replace(look.frame, image=look.frame.image.copy())) for look in looks]


@pytest.fixture(scope="module")
def here() -> list[Look]:
    with LookingHere(PORTRAIT) as looking:
        return seen(looking)


def assert_same(looks: list[Look], expected: list[Look]) -> None:
    assert len(looks) == len(expected) > PLACES
    for look, other in zip(looks, expected, strict=True):
        assert exactly(look.result) == exactly(other.result)
        assert exactly(look.frame.header) == exactly(other.frame.header)
        assert look.state == other.state and look.duration_s > 0.0
        np.testing.assert_array_equal(look.frame.image, other.frame.image)


def test_what_is_seen_is_what_is_seen_here(here: list[Look]) -> None:
    with LookingHere(PORTRAIT) as looking:
        facts = looking.facts
    with LookingApart(PORTRAIT) as apart:
        assert apart.facts == facts and facts.is_resumable
        looks = seen(apart)
        assert apart.account.damage == () and not apart.account.left_out
    assert_same(looks, here)
    assert not is_there(apart._process.pid)


def test_it_goes_on_after_a_checkpoint(here: list[Look]) -> None:
    state = here[9].state
    assert state is not None
    after = Checkpoint(10, here[9].frame.header.stamp_ns, 1.0, state)
    with LookingApart(PORTRAIT) as apart:
        assert_same(seen(apart, after), here[10:])
    with LookingApart(PORTRAIT) as apart, pytest.raises(LookingError, match="other frames than it gave before"):
        seen(apart, replace(after, stamp_ns=7))


def test_whoever_stops_early_is_told_the_account_and_ends_it(here: list[Look]) -> None:
    with LookingApart(replace(PORTRAIT, max_frames=None)) as apart:
        assert apart.facts
        with closing(apart.looks(None)) as looks:
            taken = [exactly(look.result) for look in islice(looks, PLACES + 3)]
        assert taken == [exactly(look.result) for look in here[: PLACES + 3]]
        assert apart.account.damage == ()
    assert not is_there(apart._process.pid)


def test_an_image_is_the_readers_until_the_next_look() -> None:
    with LookingApart(PORTRAIT) as apart, closing(apart.looks(None)) as looks:
        assert apart.facts
        look = next(looks)
        before = look.frame.image.copy()
        time.sleep(0.2)  # the other process has gone on meanwhile, as far as it may
        np.testing.assert_array_equal(look.frame.image, before)
        assert not look.frame.image.flags.writeable


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"camera": CameraConfig(source="/nowhere/a.mp4")}, SourceNotFoundError),
        ({"landmarks": LandmarksConfig(model_file="/nowhere/a.task")}, DetectorError),
    ],
)
def test_what_cannot_be_opened_is_told_in_the_same_words(
    changes: dict[str, CameraConfig | LandmarksConfig], expected: type[Face1dError]
) -> None:
    task = replace(PORTRAIT, **changes)  # type: ignore[arg-type]
    with pytest.raises(expected) as raised, LookingHere(task):
        pass
    with LookingApart(task) as apart, pytest.raises(LookingError) as told:
        assert apart.facts
    assert str(told.value) == str(raised.value)


def test_what_a_broken_source_lacks_is_told_with_the_frames_that_it_has(tmp_path: Path) -> None:
    write_raw(tmp_path / "bag", 1.0, lambda: None)
    (recording,) = (tmp_path / "bag").glob("*.mcap")
    os.truncate(recording, recording.stat().st_size * 2 // 3)
    task = replace(PORTRAIT, camera=CameraConfig(source=str(tmp_path / "bag")))
    with LookingHere(task) as looking:
        expected, account = seen(looking), looking.account
    with LookingApart(task) as apart:
        assert_same(seen(apart), expected)
    assert account.damage and apart.account == account


def test_what_fails_unforeseen_names_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    breaking = looking_apart.START.replace(
        "main(int",
        "from face1d_ros.stages.landmarks import LandmarksStage\n"
        "process, count = LandmarksStage.process, iter(range(5))\n"
        "LandmarksStage.process = lambda self, frame: (next(count), process(self, frame))[1]\n"
        "main(int",
    )
    monkeypatch.setattr(looking_apart, "START", breaking)
    looks: list[Look] = []
    with LookingApart(PORTRAIT) as apart, pytest.raises(LookingError, match=r"StopIteration|RuntimeError"):
        assert apart.facts
        for look in apart.looks(None):
            looks.append(look)
    assert len(looks) == 5


@pytest.mark.parametrize("at", ["start", "frames"])
def test_a_process_that_is_killed_is_told(at: str) -> None:
    with LookingApart(replace(PORTRAIT, max_frames=None)) as apart:
        if at == "frames":
            assert apart.facts
        os.kill(apart._process.pid, signal.SIGKILL)
        with pytest.raises(LookingDiedError, match="by signal 9"):
            for _ in apart.looks(None):
                pass


def test_a_process_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with LookingApart(PORTRAIT) as apart, pytest.raises(LookingDiedError, match="exit code 1"):
        assert apart.facts
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(LookingError, match="cannot start"), LookingApart(PORTRAIT):
        pass


def test_one_whose_asker_is_killed_ends_by_itself() -> None:
    asker = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import time\n"
            "from face1d_ros.config import CameraConfig, LandmarksConfig\n"
            "from face1d_ros.replay.looking import Task\n"
            "from face1d_ros.replay.looking_apart import LookingApart\n"
            "with LookingApart(Task(CameraConfig(source='portrait'), LandmarksConfig())) as apart:\n"
            "    apart.facts\n"
            "    looks = apart.looks(None)\n"
            "    next(looks)\n"
            "    print(apart._process.pid, flush=True)\n"
            "    time.sleep(60)\n",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert asker.stdout is not None
    looker = int(asker.stdout.readline())
    assert is_there(looker)
    asker.kill()
    asker.wait()
    asker.stdout.close()
    wait_for(lambda: not is_there(looker), "the end of the process that looks")


def test_only_the_asker_ends_it() -> None:
    """A signal to all processes of a service must not look like a fault."""
    with LookingApart(replace(PORTRAIT, max_frames=None)) as apart:
        assert apart.facts
        with closing(apart.looks(None)) as looks:
            next(looks)
            for number in (signal.SIGINT, signal.SIGTERM):
                os.kill(apart._process.pid, number)
            assert len(list(islice(looks, 3 * PLACES))) == 3 * PLACES


@pytest.mark.parametrize("error", ["EOFError('no data left')", "ConnectionResetError('camera')"])
def test_an_error_of_the_work_is_not_taken_for_a_lost_connection(error: str, monkeypatch: pytest.MonkeyPatch) -> None:
    breaking = looking_apart.START.replace(
        "main(int",
        "from face1d_ros.stages.landmarks import LandmarksStage\n"
        "def broken(self, frame):\n"
        f"    raise {error}\n"
        "LandmarksStage.process = broken\n"
        "main(int",
    )
    monkeypatch.setattr(looking_apart, "START", breaking)
    with LookingApart(PORTRAIT) as apart, pytest.raises(LookingError, match=error.split("(")[0]):
        assert apart.facts
        next(apart.looks(None))


def test_what_cannot_be_asked_leaves_nothing_behind() -> None:
    before = set(os.listdir("/proc/self/fd"))
    task = replace(PORTRAIT, max_frames=lambda: 1)  # type: ignore[arg-type]
    with pytest.raises((AttributeError, pickle.PicklingError)), LookingApart(task):
        pass
    assert set(os.listdir("/proc/self/fd")) == before


def test_entries_that_python_passes_over_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, 7, None, "a\0b"])
    with LookingApart(replace(PORTRAIT, max_frames=2)) as apart:
        assert apart.facts and len(seen(apart)) == 2


def test_a_folder_of_the_user_shadows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "numpy.py").write_text("raise ImportError('not this one')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    with LookingApart(replace(PORTRAIT, max_frames=2)) as apart:
        assert len(seen(apart)) == 2
