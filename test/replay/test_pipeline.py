"""Stages one after the other: values by topic, counts, time from outside, everything closed."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import pytest

from face1d_ros.config import LandmarksConfig
from face1d_ros.errors import InvalidValueError
from face1d_ros.graph import IMAGE, LANDMARKS, LANDMARKS_RAW, NodeSpec, Topic
from face1d_ros.replay import pipeline
from face1d_ros.replay.pipeline import Pipeline, Step, make_steps
from face1d_ros.types import FaceLandmarksArray, Frame, StageInfo

SMOOTH = Topic("face1d/landmarks", "face1d_ros/msg/FaceLandmarksArray", "")
SMOOTHING = NodeSpec("smoothing_node", LandmarksConfig, "", (LANDMARKS_RAW,), (SMOOTH,))


class Recorder:
    """A stage that keeps what it was given and answers with the same header."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.given: list[Any] = []
        self.closed = 0
        self.resets = 0

    def process(self, value: Any) -> FaceLandmarksArray:
        self.given.append(value)
        return FaceLandmarksArray(value.header, info=StageInfo(self.name, "model 1"))

    def configure(self, config: Any) -> None:
        raise AssertionError("nobody has changed a setting")

    def reset(self) -> None:
        self.resets += 1

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def stages() -> tuple[Recorder, Recorder]:
    return Recorder("landmarks"), Recorder("smoothing")


@pytest.fixture
def steps(stages: tuple[Recorder, Recorder]) -> list[Step]:
    return [Step(LANDMARKS, stages[0]), Step(SMOOTHING, stages[1])]


def test_each_stage_gets_what_the_one_before_it_made(
    steps: list[Step], stages: tuple[Recorder, Recorder], frame: Callable[[int], Frame]
) -> None:
    first = frame(7)
    values = Pipeline(steps).process(first)
    assert list(values) == [LANDMARKS_RAW.name, SMOOTH.name]
    assert stages[0].given == [first]
    assert stages[1].given == [values[LANDMARKS_RAW.name]]
    assert {value.header for value in values.values()} == {first.header}


def test_a_stage_that_looks_ahead_has_no_result_at_first_and_what_follows_it_neither(
    steps: list[Step], stages: tuple[Recorder, Recorder], frame: Callable[[int], Frame], monkeypatch: pytest.MonkeyPatch
) -> None:
    third = dataclasses.replace(SMOOTHING, subscribes=(SMOOTH,), publishes=(Topic("face1d/mesh", "", ""),))
    last = Recorder("mesh")
    monkeypatch.setattr(stages[1], "process", lambda value: value if value.header.stamp_ns else None)
    run = Pipeline([*steps, Step(third, last)])
    assert list(run.process(frame(0))) == [LANDMARKS_RAW.name]
    assert list(run.process(frame(1))) == [LANDMARKS_RAW.name, SMOOTH.name, "face1d/mesh"]
    assert len(last.given) == 1


def test_counts_are_filled_in_and_time_is_unknown_without_a_timer(
    steps: list[Step], frame: Callable[[int], Frame]
) -> None:
    run = Pipeline(steps)
    run.process(frame(0))
    info = run.process(frame(5), dropped=4)[SMOOTH.name].info
    assert math.isnan(info.duration_s)
    assert (info.stage, info.model) == ("smoothing", "model 1")
    assert (info.received, info.used, info.dropped) == (6, 2, 4)


def test_durations_are_those_of_the_timer(steps: list[Step], frame: Callable[[int], Frame]) -> None:
    ticks = iter([1.0, 1.25, 2.0, 2.5])
    values = Pipeline(steps, lambda: next(ticks)).process(frame(0))
    assert [value.info.duration_s for value in values.values()] == [0.25, 0.5]


def test_a_stage_without_its_input_is_refused(steps: list[Step], stages: tuple[Recorder, Recorder]) -> None:
    other = dataclasses.replace(SMOOTHING, subscribes=(Topic("face1d/mesh", "", ""),))
    with pytest.raises(InvalidValueError, match=r"smoothing.*the stage that makes face1d/mesh"):
        Pipeline([steps[0], Step(other, stages[1])])
    with pytest.raises(InvalidValueError, match="at least one"):
        Pipeline([])


def test_reset_and_close_reach_every_stage(
    steps: list[Step], stages: tuple[Recorder, Recorder], frame: Callable[[int], Frame]
) -> None:
    with Pipeline(steps) as run:
        run.process(frame(0))
        run.reset()
        assert run.frames == 0
    assert [(stage.resets, stage.closed) for stage in stages] == [(1, 1), (1, 1)]


def test_a_stage_that_cannot_be_made_leaves_none_open(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Recorder] = []

    def make(config: Any) -> Recorder:
        if made:
            raise InvalidValueError("model", config, "a better one")
        made.append(Recorder("landmarks"))
        return made[0]

    monkeypatch.setattr(pipeline, "FACTORIES", {LANDMARKS.name: make, SMOOTHING.name: make})
    with pytest.raises(InvalidValueError, match="a better one"):
        make_steps({}, (LANDMARKS, SMOOTHING))
    assert made[0].closed == 1


def test_every_stage_of_the_graph_can_be_made() -> None:
    from face1d_ros.graph import STAGES

    assert set(pipeline.FACTORIES) == {spec.name for spec in STAGES}
    assert STAGES[0].subscribes[0] == IMAGE
