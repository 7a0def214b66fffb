"""What `face1d replay` says while it runs and at its end."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from face1d_ros.cli import replay_screen
from face1d_ros.cli.replay_screen import Board, duration
from face1d_ros.cli.replay_summary import exit_code, measurement, print_outcomes
from face1d_ros.replay.job import DONE, FAILED, REPLAYING, REPORT, RESUMING, STOPPED, WAS_DONE, Job, Outcome, Progress


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(replay_screen, "time", made)
    return made


@pytest.fixture
def films(tmp_path: Path) -> list[Job]:
    """One three times the size of the other."""
    (tmp_path / "long.mp4").write_bytes(bytes(3000))
    (tmp_path / "short.mp4").write_bytes(bytes(1000))
    return [Job(str(tmp_path / f"{name}.mp4"), f"/out/{name}") for name in ("long", "short")]


def progress(frames: int, announced: int | None = 100, phase: str = REPLAYING) -> Progress:
    return Progress(frames, announced, frames / 10.0, phase)


def drawn(board: Board) -> str:
    console = Console(width=110, record=True, file=io.StringIO())
    console.print(board.draw())
    return console.export_text()


def outcome(state: str = DONE, **values: object) -> Outcome:
    return Outcome("/bags/walk", "/out/walk", state, **{"frames": 60, "announced": 60, **values})  # type: ignore[arg-type]


class TestTimeLeft:
    def test_it_follows_from_the_pace_so_far(self, clock: Clock, films: list[Job]) -> None:
        board = Board(films[:1])
        board.tell(0, progress(0))
        clock.now_s += 5.0
        board.tell(0, progress(25))
        assert board.left_s(clock.now_s) == pytest.approx(15.0)

    def test_what_was_there_before_does_not_count_as_pace(self, clock: Clock, films: list[Job]) -> None:
        board = Board(films[:1])
        board.tell(0, progress(50, phase=RESUMING))
        board.tell(0, progress(50))
        clock.now_s += 5.0
        board.tell(0, progress(75))
        assert board.left_s(clock.now_s) == pytest.approx(5.0)

    def test_sources_that_wait_count_by_their_size(self, clock: Clock, films: list[Job]) -> None:
        board = Board(films)
        board.tell(1, progress(0))
        clock.now_s += 5.0
        board.tell(1, progress(50))
        assert board.left_s(clock.now_s) == pytest.approx(35.0)
        board.tell(1, progress(100))
        board.end(1, outcome())
        assert board.left_s(clock.now_s) == pytest.approx(15.0)

    def test_it_is_not_told_where_nobody_knows(self, clock: Clock, films: list[Job]) -> None:
        board = Board(films[:1])
        assert board.left_s(clock.now_s) is None
        board.tell(0, progress(0, None))
        clock.now_s += 5.0
        board.tell(0, progress(30, None))
        assert board.left_s(clock.now_s) is None
        assert board.line() == "5 s; long 30 frames, 0.6 × real time"


class TestScreen:
    def test_a_source_is_shown_with_frames_speed_and_time_left(self, clock: Clock, films: list[Job]) -> None:
        board = Board(films[:1])
        board.tell(0, progress(0))
        clock.now_s += 5.0
        board.tell(0, progress(25))
        assert board.line() == "5 s, 15 s left; long 25 of 100 frames (25%), 0.5 × real time"
        text = drawn(board)
        assert "25%" in text
        assert "25 of 100" in text
        assert "5 s, 15 s left   Ctrl-C ends; the same command goes on" in text

    def test_of_several_those_at_work_are_shown_and_ends_are_told(self, clock: Clock, films: list[Job]) -> None:
        board = Board(films)
        board.tell(0, progress(10))
        board.end(0, outcome(FAILED, frames=10, error="it broke"))
        board.tell(1, progress(20, phase=RESUMING))
        board.note("a worker has died")
        assert board.line() == "0 s, 1 of 2 sources; short resuming, 20 of 100 frames"
        assert list(board.notes) == ["long: failed, 10 frames", "a worker has died"]
        text = drawn(board)
        assert "short" in text
        assert "a worker has died" in text

    def test_the_report_is_a_phase_of_its_own(self, clock: Clock, films: list[Job]) -> None:
        board = Board(films[:1])
        board.tell(0, progress(100, phase=REPORT))
        assert "long report, 100 of 100 frames" in board.line()

    def test_names_are_shown_as_they_are_but_in_one_line(
        self, clock: Clock, capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = "/out/a[bold] :smile:\n\x1b[2Jb"
        board = Board([Job("portrait", folder)])
        board.tell(0, progress(10))
        print_outcomes([Outcome("portrait", folder, STOPPED)])
        for said in (board.line(), drawn(board), capsys.readouterr().out):
            assert "a[bold] :smile:??[2Jb" in said

    @pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (59.6, "1:00"), (725, "12:05"), (3753, "1:02:33")])
    def test_durations_are_short(self, seconds: float, text: str) -> None:
        assert duration(seconds) == text


class TestEnd:
    @pytest.mark.parametrize(
        ("outcomes", "code"),
        [
            ([outcome()], 0),
            ([outcome(WAS_DONE), outcome()], 0),
            ([outcome(left_out={"size": 2})], 3),
            ([outcome(damage=["a chunk is damaged"])], 3),
            ([outcome(left_out={"size": 0})], 0),
            ([outcome(frames=0)], 1),
            ([outcome(FAILED, error="it broke"), outcome(damage=["a chunk"])], 1),
            ([outcome(STOPPED), outcome(FAILED, error="it broke")], 130),
        ],
    )
    def test_the_exit_code_is_the_worst_of_all(self, outcomes: list[Outcome], code: int) -> None:
        assert exit_code(outcomes) == code
        assert measurement(outcomes).as_dict()["conditions"]["exit_code"] == code

    def test_everything_that_somebody_should_know_is_told(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "report.html").touch()
        damaged = outcome(
            left_out={"size": 2, "bayer": 1},
            damage=["3 messages at 1.5 s cannot be read"],
            oddities=["2 stamps go back"],
            resumed_at=20,
        )
        good = Outcome("/bags/run", str(tmp_path), DONE, 60, 60, 2.0, 0.4, 5.0, note="begun anew: no checkpoint")
        print_outcomes([damaged, good, outcome(STOPPED), outcome(FAILED, error="it broke")])
        said = capsys.readouterr().out
        for line in (
            "walk: left out by the source: 1 bayer, 2 size",
            "walk: 3 messages at 1.5 s cannot be read",
            "walk: 2 stamps go back",
            "walk: 20 frames were there from before",
            "begun anew: no checkpoint",
            "walk: it broke",
            f"Report  {tmp_path / 'report.html'}",
            "Results /out/walk/results",
            "Interrupted: the same command goes on where it was.",
        ):
            assert line in said
        assert said.count("Report") == 1
