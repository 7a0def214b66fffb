"""Reading, detecting and the rest at the same time: the same values, errors in their place, threads that end."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from replay_sources import CountedSource, WalkingDetector, exactly

from face1d_ros.errors import DetectorError, SourceBrokenOffError
from face1d_ros.graph import LANDMARKS, LANDMARKS_RAW
from face1d_ros.replay.overlap import FIRST_STAGE, READING, overlapped
from face1d_ros.replay.pipeline import Pipeline, Step, make_steps
from face1d_ros.sources.portrait import AnimatedPortrait
from face1d_ros.stages import landmarks as landmarks_module
from face1d_ros.types import FaceLandmarksArray, Frame, StageInfo

THREADS = {READING, FIRST_STAGE}


def threads() -> set[str]:
    return THREADS & {thread.name for thread in threading.enumerate()}


class Counting:
    """A first stage that may fail at a frame."""

    name = "landmarks"

    def __init__(self, fails_at: int | None = None) -> None:
        self.given = 0
        self._fails_at = fails_at

    def process(self, frame: Frame) -> FaceLandmarksArray:
        if self.given == self._fails_at:
            raise DetectorError("broke at an image")
        self.given += 1
        return FaceLandmarksArray(frame.header, info=StageInfo(self.name))

    def close(self) -> None:
        """Nothing."""


def counting(fails_at: int | None = None) -> tuple[Counting, Pipeline]:
    stage = Counting(fails_at)
    return stage, Pipeline([Step(LANDMARKS, stage)])  # type: ignore[arg-type]


@pytest.fixture(params=["walking faces", "portrait"])
def source(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Iterator[Frame]]:
    """Frames, the same ones each time; of the portrait with the real detector."""
    if request.param == "portrait":
        return lambda: AnimatedPortrait(length=25).frames()
    monkeypatch.setattr(landmarks_module, "make_detector", WalkingDetector)
    return lambda: CountedSource(150).frames()


def test_values_are_those_of_one_stage_after_the_other(source: Callable[[], Iterator[Frame]]) -> None:
    with Pipeline(make_steps({})) as pipeline:
        wanted = [{topic: exactly(value) for topic, value in pipeline.process(frame).items()} for frame in source()]
    assert {len(values) for values in wanted} == {5}
    with Pipeline(make_steps({})) as pipeline:
        each = [values for _, values in overlapped(source(), pipeline)]
        assert pipeline.frames == len(wanted)
    assert [{topic: exactly(value) for topic, value in values.items()} for values in each] == wanted


def test_durations_are_measured_by_the_pipelines_timer(frame: Callable[[int], Frame]) -> None:
    pipeline = Pipeline(counting()[1].steps, itertools.count(0.0, 0.5).__next__)
    ((_, values),) = overlapped([frame(0)], pipeline)
    assert values[LANDMARKS_RAW.name].info.duration_s == 0.5


@pytest.mark.parametrize("error", [SourceBrokenOffError("numbers", "ended"), ZeroDivisionError("of its own")])
def test_a_source_that_breaks_raises_after_all_frames_before_it(error: Exception) -> None:
    _, pipeline = counting()
    stamps_ns = []
    with pytest.raises(type(error)) as raised:
        for each, values in overlapped(CountedSource(40, 17, error).frames(), pipeline):
            assert values[LANDMARKS_RAW.name].header is each.header
            stamps_ns.append(each.header.stamp_ns)
    assert raised.value is error
    assert len(stamps_ns) == 17 and not threads()


def test_a_detector_that_breaks_raises_after_all_frames_before_it(frame: Callable[[int], Frame]) -> None:
    _, pipeline = counting(fails_at=12)
    found = []
    with pytest.raises(DetectorError):
        for each in overlapped(map(frame, itertools.count()), pipeline):
            found.append(each)
    assert len(found) == 12 and not threads()


def test_whoever_stops_early_ends_the_threads_and_the_source() -> None:
    ended: list[bool] = []

    def endless() -> Iterator[Frame]:
        try:
            while True:
                yield from CountedSource(100).frames()
        finally:
            ended.append(True)

    _, pipeline = counting()
    with closing(overlapped(endless(), pipeline)) as results:
        next(results)
        assert threads() == THREADS
    assert not threads() and ended == [True]


def test_whoever_raises_in_between_ends_the_threads(frame: Callable[[int], Frame]) -> None:
    _, pipeline = counting()
    with pytest.raises(KeyError), closing(overlapped(map(frame, itertools.count()), pipeline)) as results:
        for index, _ in enumerate(results):
            if index == 5:
                raise KeyError
    assert not threads()


def test_only_a_few_frames_are_read_ahead() -> None:
    source = CountedSource(1000)
    stage, pipeline = counting()
    with closing(overlapped(source.frames(), pipeline, longest=2)) as results:
        for taken, _ in enumerate(itertools.islice(results, 50), 1):
            assert stage.given - taken <= 2 + 1
            assert source.given - taken <= 2 + 1 + 2 + 1
