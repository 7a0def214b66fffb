"""`face1d bench pipeline`."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from face1d_ros.cli import bench_pipeline, pipeline_timing
from face1d_ros.cli.main import face1d
from face1d_ros.cli.pipeline_sides import BARE, BETWEEN, OVERLAPPED, WALL, WHOLE, PipelineSide, TimedSeer, timed
from face1d_ros.cli.pipeline_timing import Throughput, Turn
from face1d_ros.config import NodeConfig
from face1d_ros.errors import InvalidValueError
from face1d_ros.graph import LANDMARKS, MESH, SMOOTHING, STAGES, NodeSpec, Topic
from face1d_ros.stages.factories import FACTORIES
from face1d_ros.types import Header, StageInfo

IMAGES = [np.full((8, 8, 3), grey, np.uint8) for grey in (10, 20, 30)]
LATER = NodeSpec("later_node", NodeConfig, "", MESH.publishes[:1], (Topic("face1d/later", "", ""),))
FEW = ["--rounds", "5", "--frames", "4", "--paced-frames", "4"]


class Clock:
    """Goes on only where a stage says so."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@dataclass(frozen=True)
class Result:
    header: Header
    info: StageInfo
    faces: tuple[str, ...] = ("face",)


class Fake:
    """A stage that takes so long for a frame, and whose first `silent` frames have no result."""

    def __init__(self, name: str, clock: Clock, takes_s: float, silent: int = 0) -> None:
        self.name = name
        self.given: list[Any] = []
        self.closed = 0
        self._clock, self._takes_s, self._silent = clock, takes_s, silent

    def process(self, value: Any) -> Result | None:
        self.given.append(value)
        self._clock.now_s += self._takes_s
        return Result(value.header, StageInfo(self.name, "fake", "none")) if len(self.given) > self._silent else None

    def diagnostics(self) -> Mapping[str, object]:
        return {"notice": "it is a fake"}

    def close(self) -> None:
        self.closed += 1


class FakeSide:
    """Remembers its turns in a list that both sides share."""

    parts = ("part",)

    def __init__(self, name: str, turns: list[str]) -> None:
        self.found: list[int] = []
        self.rates_hz: list[float] = []
        self._name, self._turns = name, turns
        self._times: list[float] = []

    def step(self, rate_hz: float, clock: Any = WALL) -> None:
        self._turns.append(self._name + ("" if clock is WALL else "'"))
        self.rates_hz.append(rate_hz)
        self._times.append(float(len(self.rates_hz)))

    def overlapped(self, frames: int, settling: int, rate_hz: float, advance: Any) -> tuple[float, float]:
        for _ in range(settling + frames):
            self._turns.append(self._name + '"')
            advance()
        return 0.01 * frames, 0.02 * frames

    def take(self) -> Any:
        times, self._times = self._times, []
        return np.array(times)[:, None]

    def close(self) -> None:
        pass


@pytest.fixture
def clock() -> Clock:
    return Clock()


def stand_in(monkeypatch: pytest.MonkeyPatch, clock: Clock, specs: Sequence[NodeSpec], **silent: int) -> list[Fake]:
    """Fakes in place of the stages of these nodes; the first takes 1 s, the next 2 s, and so on."""
    made: list[Fake] = []

    def make(spec: NodeSpec, takes_s: float) -> Any:
        def factory(config: object) -> Fake:
            made.append(Fake(spec.stage, clock, takes_s, silent.get(spec.stage, 0)))
            return made[-1]

        return factory

    for index, spec in enumerate(specs):
        monkeypatch.setitem(FACTORIES, spec.name, make(spec, index + 1.0))
    return made


def test_a_short_run_prints_all_parts_and_writes_the_targets(tmp_path: Path) -> None:
    pytest.importorskip("mediapipe", reason="MediaPipe is not installed")
    path = tmp_path / "pipeline.json"
    done = CliRunner().invoke(face1d, ["bench", "pipeline", *FEW, "--json", str(path)], catch_exceptions=False)
    assert done.exit_code == 0
    assert "At camera pace" in done.stdout and "pipeline.ratio" in done.stdout
    written = json.loads(path.read_text(encoding="utf-8"))
    assert written["command"] == "bench pipeline"
    names = [spec.stage for spec in STAGES]
    assert written["conditions"]["stages"] == names and set(written["conditions"]["models"]) == set(names)
    tight = [row for row in written["rows"] if row["part"] == "tight"]
    at_pace = [row for row in written["rows"] if row["part"] == "paced"]
    parts = [BARE, *names, BETWEEN, WHOLE]
    with_overlap = [*parts, OVERLAPPED]
    assert [(row["looked_for"], row["what"]) for row in tight] == [(n, part) for n in (1, 4) for part in with_overlap]
    assert [(row["looked_for"], row["pace"], row["what"]) for row in at_pace] == [
        (n, pace, part) for n in (1, 4) for pace in ("30 Hz", "60 Hz") for part in parts
    ]
    assert all(row["ms"] > 0.0 and row["cpu_ms"] > 0.0 for row in tight if row["what"] != BETWEEN)
    assert all(0.0 < row["p50_ms"] <= row["p95_ms"] <= row["p99_ms"] for row in at_pace)
    sides = [row for row in tight if row["what"] in (BARE, WHOLE, OVERLAPPED)]
    assert [row["found"] for row in sides] == [1.0] * 6, "both do the work for the same face"
    wholes = [row for row in sides if row["what"] == OVERLAPPED]
    targets = written["targets"]
    assert targets["pipeline.fps"]["value"] == min(row["fps"] for row in wholes)
    assert targets["pipeline.ratio"]["value"] == min(row["fps_ratio"] for row in wholes)
    assert (targets["pipeline.fps"]["target"], targets["pipeline.ratio"]["target"]) == (165.0, 0.8)
    assert all(isinstance(target["pass"], bool) for target in targets.values())


@pytest.mark.parametrize(
    ("stages", "says"),
    [
        ("mush", "stages.*mush.*some of landmarks, smoothing, mesh"),
        ("landmarks,mesh", "mesh.*the stage that makes face1d/landmarks"),
        ("smoothing,mesh", "also landmarks: the measurement begins with an image"),
    ],
)
def test_stages_that_cannot_be_measured_are_refused_before_anything_is_loaded(stages: str, says: str) -> None:
    with pytest.raises(InvalidValueError, match=says):
        CliRunner().invoke(face1d, ["bench", "pipeline", "--stages", stages], catch_exceptions=False)


@pytest.mark.parametrize(
    ("option", "value"),
    [("--rounds", "4"), ("--frames", "1"), ("--landmarks.max-faces", "1"), ("--smoothing.strength", "2")],
)
def test_options_out_of_range_and_those_of_other_commands_are_refused(option: str, value: str) -> None:
    done = CliRunner().invoke(face1d, ["bench", "pipeline", option, value])
    assert done.exit_code == 2 and option in done.stderr


def test_stages_run_in_the_order_of_the_graph_whatever_order_they_are_named_in() -> None:
    assert bench_pipeline.chosen("smoothing, landmarks", {}) == (LANDMARKS, SMOOTHING)
    assert [spec.stage for spec in bench_pipeline.chosen("", {})] == [spec.stage for spec in STAGES]


def test_each_stage_has_its_own_time_also_one_that_is_added_to_the_graph(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    specs = (LANDMARKS, SMOOTHING, MESH, LATER)
    stand_in(monkeypatch, clock, specs)
    side = PipelineSide(IMAGES, specs, {})
    for _ in range(3):
        side.step(30.0, clock)
    assert side.parts == ("landmarks", "smoothing", "mesh", "later", BETWEEN, WHOLE)
    assert side.take().tolist() == [[1.0, 2.0, 3.0, 4.0, 0.0, 10.0]] * 3
    assert side.found == [1, 1, 1]
    assert side.models["later"] == "fake, none"
    assert side.notices()["mesh"] == "it is a fake"


def test_a_stage_that_has_no_result_yet_leaves_the_next_ones_without_work(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    specs = (LANDMARKS, SMOOTHING, MESH)
    stand_in(monkeypatch, clock, specs, smoothing=1)
    side = PipelineSide(IMAGES, specs, {})
    for _ in range(2):
        side.step(30.0, clock)
    assert side.take().tolist() == [[1.0, 2.0, 0.0, 0.0, 3.0], [1.0, 2.0, 3.0, 0.0, 6.0]]
    assert side.found == [0, 1]


def test_overlapped_frames_are_those_after_the_settling_ones_and_go_on_where_the_others_ended(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    specs = (LANDMARKS, SMOOTHING)
    made = stand_in(monkeypatch, clock, specs)
    side = PipelineSide(IMAGES, specs, {})
    side.step(30.0, clock)
    advanced: list[int] = []
    wall_s, cpu_s = side.overlapped(6, 3, 30.0, lambda: advanced.append(1))
    assert wall_s > 0.0 and cpu_s >= 0.0
    assert len(advanced) == 3 + 6 and len(side.found) == 1 + 3 + 6
    first, second = made
    stamps_ns = [value.header.stamp_ns for value in first.given]
    assert np.all(np.diff(stamps_ns) > 0), "no frame twice, none before another"
    assert [value.header.stamp_ns for value in second.given] == stamps_ns[: len(second.given)]
    assert len(first.given) > len(second.given), "the frames go on while the last ones are measured"


def test_a_stage_that_looks_at_images_is_timed_with_its_look(clock: Clock) -> None:
    class Seer(Fake):
        wants_frames = True

        def see(self, frame: Any) -> None:
            clock.now_s += 5.0

    stage = timed(Seer("seer", clock, 1.0))  # type: ignore[arg-type]
    assert isinstance(stage, TimedSeer) and stage.wants_frames
    stage.clock = clock
    frame: Any = SimpleNamespace(header=Header())
    stage.see(frame)
    stage.process(frame)
    assert stage.last_s == 6.0
    assert not isinstance(timed(Fake("blind", clock, 1.0)), TimedSeer)  # type: ignore[arg-type]


def test_images_go_forwards_and_backwards_with_stamps_at_the_rate(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    made = stand_in(monkeypatch, clock, (LANDMARKS,))
    side = PipelineSide(IMAGES, (LANDMARKS,), {})
    (stage,) = made
    for _ in range(6):
        side.step(50.0, clock)
    assert [int(frame.image[0, 0, 0]) for frame in stage.given] == [10, 20, 30, 20, 10, 20]
    assert np.diff([frame.header.stamp_ns for frame in stage.given]).tolist() == [20_000_000] * 5


def test_both_sides_have_the_same_turns_and_take_turns_at_being_first(monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[str] = []
    monkeypatch.setattr(pipeline_timing, "BareSide", lambda *_: FakeSide("b", turns))
    monkeypatch.setattr(pipeline_timing, "PipelineSide", lambda *_: FakeSide("o", turns))
    monkeypatch.setattr(pipeline_timing, "SETTLING_FRAMES", 1)
    contest = pipeline_timing.Contest(IMAGES, (LANDMARKS,), {}, 1)
    contest.warm_up(2, lambda: None)
    assert turns == ["b", "b", "o", "o"]
    turns.clear()
    advanced: list[int] = []
    for _ in range(2):
        contest.run(2, lambda: advanced.append(1))
    assert len(advanced) == 2 * pipeline_timing.frames_of_a_run(2), "the bar ends full"
    bare, ours = ["b", "b", "b", "b'", "b'"], ["o", "o", "o", "o'", "o'", 'o"', 'o"', 'o"']
    assert turns == bare + ours + ours + bare
    (first, _), (_, last) = contest.rounds
    assert first.wall_s.tolist() == [[4.0], [5.0]] and first.cpu_s.tolist() == [[6.0], [7.0]]
    assert last.wall_s.tolist() == [[9.0], [10.0]]
    assert [(turn.wall_s, turn.cpu_s) for turn in contest.overlapped] == [pytest.approx((0.01, 0.02))] * 2


def test_at_camera_pace_the_sides_take_turns_and_the_first_frames_do_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    due_s: list[float] = []
    monkeypatch.setattr(pipeline_timing, "_sleep_until", due_s.append)
    monkeypatch.setattr(pipeline_timing, "PACED_WARM_UP_FRAMES", 2)
    turns: list[str] = []
    sides = FakeSide("b", turns), FakeSide("o", turns)
    advanced: list[int] = []
    (bare, ours), kept_hz = pipeline_timing.paced(sides, 3, 60.0, lambda: advanced.append(1))
    assert "".join(turns) == "bobo" + "bobobo"
    assert np.diff(due_s[-7:]) == pytest.approx(1.0 / 120.0), "60 Hz for each"
    assert bare.wall_s.tolist() == ours.wall_s.tolist() == [[3.0], [4.0], [5.0]]
    assert bare.cpu_s >= 0.0 and kept_hz > 0.0
    assert len(advanced) == 2 + 3
    assert set(sides[0].rates_hz) == {60.0}


def test_times_are_medians_over_the_rounds_and_the_ratio_is_that_of_neighbouring_blocks() -> None:
    def turn(*frames_s: list[float]) -> Turn:
        return Turn(np.array(frames_s), np.array(frames_s) * 2.0)

    bare = [turn([0.004], [0.004], [0.004])] * 2 + [turn([0.4], [0.4], [0.4])]
    ours = [turn([0.006, 0.008], [0.006, 0.008], [0.001, 0.014])] * 2 + [turn([0.9, 1.0], [0.9, 1.0], [0.9, 1.0])]
    contest: Any = SimpleNamespace(max_faces=1, rounds=list(zip(bare, ours, strict=True)))
    contest.bare = SimpleNamespace(parts=(BARE,), found=[1, 1])
    contest.ours = SimpleNamespace(parts=("landmarks", WHOLE), found=[1, 0])
    contest.sides = (contest.bare, contest.ours)
    first, stage, whole = bench_pipeline.tight_rows_of(contest)
    assert (first["ms"], first["fps"], first["found"]) == pytest.approx((4.0, 250.0, 1.0))
    assert (stage["ms"], stage["percent_of_ours"], stage["fps"]) == (pytest.approx(6.0), pytest.approx(75.0), None)
    assert (whole["ms"], whole["fps"], whole["fps_ratio"], whole["found"]) == pytest.approx((8.0, 100.0, 0.4, 0.5))
    assert whole["cpu_ms"] == pytest.approx(20.0)
    contest.overlapped = [Throughput(0.005, 0.009)] * 2 + [Throughput(0.5, 0.9)]
    both = bench_pipeline.overlapped_row(contest)
    assert (both["what"], both["ms"], both["cpu_ms"]) == (OVERLAPPED, pytest.approx(5.0), pytest.approx(9.0))
    assert (both["fps"], both["fps_ratio"], both["found"]) == pytest.approx((200.0, 0.8, 0.5))


def test_targets_are_the_worse_case_and_unknown_where_not_everything_ran() -> None:
    rows = [
        {"part": "tight", "what": OVERLAPPED, "fps": fps, "fps_ratio": ratio} for fps, ratio in ((200, 0.7), (170, 0.9))
    ]
    one_by_one = {"part": "tight", "what": WHOLE, "fps": 1, "fps_ratio": 0.1}
    found = bench_pipeline.targets([*rows, one_by_one, {"part": "paced", "what": WHOLE}])
    assert {key: (target.value, target.passed) for key, target in found.items()} == {
        "pipeline.fps": (170, True),
        "pipeline.ratio": (0.7, False),
    }
    assert all(target.value is None and not target.passed for target in bench_pipeline.targets([]).values())


@pytest.fixture
def without_mediapipe(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> list[Fake]:
    """The whole command with fakes on both sides."""
    monkeypatch.setattr(pipeline_timing, "BareSide", lambda *_: FakeSide("b", []))
    monkeypatch.setattr(bench_pipeline, "PACES_HZ", ())
    return stand_in(monkeypatch, clock, STAGES)


@pytest.mark.parametrize("changed", [["--stages", "landmarks,smoothing"], ["--smoothing.strength", "0.5"]])
def test_fewer_stages_and_other_settings_are_told_and_reach_no_target(
    changed: list[str], tmp_path: Path, without_mediapipe: list[Fake]
) -> None:
    path = tmp_path / "m.json"
    arguments = ["bench", "pipeline", *FEW, *changed, "--json", str(path)]
    assert CliRunner().invoke(face1d, arguments, catch_exceptions=False).exit_code == 0
    written = json.loads(path.read_text(encoding="utf-8"))
    assert {target["value"] for target in written["targets"].values()} == {None}
    assert not any(target["pass"] for target in written["targets"].values())
    under = written["conditions"]
    if "--stages" in changed:
        assert under["stages"] == sorted({fake.name for fake in without_mediapipe}) == ["landmarks", "smoothing"]
    else:
        assert under["settings"]["smoothing_node"]["strength"] == 0.5


def test_ctrl_c_waits_for_the_end_of_a_frame_and_closes_everything(
    monkeypatch: pytest.MonkeyPatch, without_mediapipe: list[Fake]
) -> None:
    ended: list[int] = []

    def step(self: FakeSide, *_: object) -> None:
        signal.raise_signal(signal.SIGINT)
        ended.append(1)

    monkeypatch.setattr(FakeSide, "step", step)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        bench_pipeline.measure(bench_pipeline.chosen("", {}), {}, 5, 4, 4)
    assert ended == [1], "the frame itself was not interrupted, and none came after it"
    assert without_mediapipe and all(fake.closed for fake in without_mediapipe)
    assert signal.getsignal(signal.SIGINT) is before
