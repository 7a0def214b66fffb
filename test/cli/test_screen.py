from __future__ import annotations

import dataclasses
import io
from collections import deque

import pytest
from rich.console import Console, RenderableType

from face1d_ros.cli import run_screen, screen
from face1d_ros.cli.dashboard import Dashboard
from face1d_ros.cli.run_screen import Progress, print_summary
from face1d_ros.cli.screen import BAR_WIDTH, Bar, PlainScreen
from face1d_ros.types import FaceLandmarks, FaceLandmarksArray, Header, StageInfo

RESULT = FaceLandmarksArray(Header(5), faces=(FaceLandmarks(track_id=1),), info=StageInfo("landmarks", duration_s=0.01))


def drawn(picture: RenderableType, width: int = 80) -> list[str]:
    """Its lines on a terminal so many characters wide."""
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(picture)
    return [line.rstrip() for line in console.export_text().splitlines()]


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize(("done", "filled"), [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0), (1.7, 1.0)])
def test_a_bar_is_filled_as_far_as_it_is_done(done: float, filled: float, width: int) -> None:
    console = Console(width=width, file=io.StringIO())
    (line,) = console.render_lines(Bar(done), pad=False)
    length = min(width, BAR_WIDTH)
    assert sum(len(part.text) for part in line) == length
    dim = sum(len(part.text) for part in line if part.style is not None and part.style.dim)
    assert dim == length - filled * length


def run_of(*stamps_s: float, live: bool = False) -> Progress:
    progress = Progress(length=None, max_frames=4, live=live)
    for count, stamp_s in enumerate(stamps_s, 1):
        result = dataclasses.replace(RESULT, header=Header(round(stamp_s * 1e9)))
        progress.add({"face1d/landmarks_raw": result}, received=count, dropped=0)
    return progress


def test_a_narrow_terminal_gets_lines_in_place_of_a_table() -> None:
    wide, narrow = drawn(run_of(0.0, 0.1).draw(), 70), drawn(run_of(0.0, 0.1).draw(), 40)
    assert wide[0].split() == ["stage", "frames", "rate", "Hz", "p50", "ms", "p99", "ms", "faces", "dropped"]
    assert max(map(len, narrow)) <= 40
    assert narrow[0] == "landmarks"
    for part in ("frames 2", "rate Hz ", "p50 ms 10.0", "p99 ms 10.0", "faces 1", "dropped 0"):
        assert any(part in line for line in narrow[1:])
    assert "…" not in "".join(narrow)


def test_jumps_of_the_sources_time_are_noted_and_left_out_of_its_duration(capsys: pytest.CaptureFixture[str]) -> None:
    progress = run_of(10.0, 11.0, 12.0, 8.667, 9.667)
    assert list(progress.notes) == ["the source's time jumped back by 3.333 s"]
    print_summary(progress, {"size": 2, "undecodable": 1}, losses=2)
    said = capsys.readouterr().out
    assert "The source's time jumped back by 3.333 s\n" in said
    assert "Left out by the source: 2 size, 1 undecodable\n" in said
    assert "The source went away 2 times\n" in said
    assert "s for 3.0 s of the source" in said


def test_a_camera_may_pause_for_as_long_as_it_likes() -> None:
    assert not run_of(10.0, 60.0, live=True).notes
    assert run_of(10.0, 60.0).notes


def test_the_live_rate_is_that_of_the_gaps_between_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 50.0
    monkeypatch.setattr(run_screen.time, "monotonic", lambda: now_s)
    progress = run_of(0.0)
    assert progress.rate_hz(live=True) == 0.0
    for frame in range(1, 10):
        now_s = 50.0 + 0.1 * frame
        progress.add({"face1d/landmarks_raw": RESULT}, received=frame, dropped=0)
        assert progress.rate_hz(live=True) == pytest.approx(10.0)
    now_s = 60.0
    assert progress.rate_hz(live=True) == 0.0


def test_the_bar_of_a_run_has_a_line_of_its_own() -> None:
    progress = Progress(length=None, max_frames=4)
    progress.add({"face1d/landmarks_raw": RESULT}, received=1, dropped=0)
    *_, stage, line, status = drawn(progress.draw())
    assert stage.split()[:2] == ["landmarks", "1"]
    assert line == "━" * BAR_WIDTH
    assert status.endswith("s   Ctrl-C ends")


def test_lines_for_a_log_come_now_and_then_and_notes_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    times_s = iter([100.0, 101.0, 106.0, 107.0])
    monkeypatch.setattr(screen.time, "monotonic", lambda: next(times_s))
    notes = deque(["a node died"])
    with PlainScreen(lambda: "all is well", notes) as shown:
        shown.refresh()
        assert capsys.readouterr().out == "a node died\n"
        shown.refresh()
        shown.refresh()
    assert capsys.readouterr().out == "all is well\n"


def test_the_last_error_of_each_node_is_kept_for_the_summary() -> None:
    dashboard = Dashboard("film.mp4", 0.0, io.StringIO())
    lines = [
        "[ERROR] [1795252564.354916467] [camera_node]: first",
        "[ERROR] [1795252565.354916467] [robot.camera_node]: source 'film.mp4': is no video",
        "[WARN] [1795252566.354916467] [camera_node]: only a warning",
    ]
    for line in lines:
        dashboard.line("camera_node", line)
    assert dashboard.errors == {"camera_node": "source 'film.mp4': is no video"}
    assert len(dashboard.notes) == len(lines)
