from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from engines.tiny_bundle import WIDTH, leaky_sum, write_bundle

from face1d_ros.engines.bundle import load_bundle
from face1d_ros.engines.engine import run_once
from face1d_ros.engines.onnxruntime_engine import OnnxRuntimeEngine
from face1d_ros.engines.streams import FaceStreams, finite
from face1d_ros.errors import EngineError

FRAME_NS = 33_333_333


@pytest.fixture
def engine(tmp_path: Path) -> OnnxRuntimeEngine:
    return OnnxRuntimeEngine(load_bundle(write_bundle(tmp_path / "b")))


@pytest.fixture
def streams(engine: OnnxRuntimeEngine) -> FaceStreams:
    return FaceStreams(engine)


def step(streams: FaceStreams, index: int, points: dict[int, float]) -> dict[int, np.ndarray]:
    """One frame: each face's points are all the same number."""
    streams.begin(index * FRAME_NS, list(points))["points"][:] = np.array(list(points.values()))[:, None]
    sums = streams.run()["sums"]
    return {track_id: sums[row].copy() for row, track_id in enumerate(points)}


def expected(*numbers: float) -> np.ndarray:
    """What a face's memory holds after these."""
    state = np.zeros(WIDTH, np.float32)
    for number in numbers:
        state = leaky_sum(np.full(WIDTH, number, np.float32), state)
    return state


def test_each_face_has_a_memory_of_its_own(streams: FaceStreams):
    step(streams, 0, {1: 1.0, 2: 10.0})
    result = step(streams, 1, {1: 2.0, 2: 20.0})
    np.testing.assert_allclose(result[1], expected(1.0, 2.0))
    np.testing.assert_allclose(result[2], expected(10.0, 20.0))


def test_memory_follows_a_face_to_another_row_and_past_those_that_come_and_go(streams: FaceStreams):
    step(streams, 0, {1: 1.0, 2: 10.0})
    result = step(streams, 1, {2: 20.0, 3: 5.0, 1: 2.0})
    np.testing.assert_allclose(result[1], expected(1.0, 2.0))
    np.testing.assert_allclose(result[2], expected(10.0, 20.0))
    np.testing.assert_allclose(result[3], expected(5.0))
    result = step(streams, 2, {1: 3.0})
    np.testing.assert_allclose(result[1], expected(1.0, 2.0, 3.0))


def test_who_was_missing_begins_anew(streams: FaceStreams):
    step(streams, 0, {1: 1.0, 2: 10.0})
    step(streams, 1, {1: 2.0})
    result = step(streams, 2, {1: 3.0, 2: 30.0})
    np.testing.assert_allclose(result[1], expected(1.0, 2.0, 3.0))
    np.testing.assert_allclose(result[2], expected(30.0))


@pytest.mark.parametrize("later", [-1, 40])
def test_a_jump_in_time_empties_every_memory(streams: FaceStreams, later: int):
    step(streams, 5, {1: 1.0})
    np.testing.assert_allclose(step(streams, 5 + later, {1: 2.0})[1], expected(2.0))
    np.testing.assert_allclose(step(streams, 6 + later, {1: 3.0})[1], expected(2.0, 3.0))


def test_nothing_new_is_made_while_the_same_faces_come(streams: FaceStreams):
    first = streams.begin(0, [1, 2])
    outputs = streams.run()
    before = {name: array.ctypes.data for name, array in (first | outputs).items()}
    for index in range(1, 4):
        again = streams.begin(index * FRAME_NS, [1, 2])
        after = {name: array.ctypes.data for name, array in (again | streams.run()).items()}
        assert after == before


def test_another_engine_goes_on_where_the_first_has_stopped(streams: FaceStreams, engine: OnnxRuntimeEngine):
    step(streams, 0, {1: 1.0, 2: 10.0})
    streams.replace(engine)
    result = step(streams, 1, {2: 20.0, 1: 2.0})
    np.testing.assert_allclose(result[1], expected(1.0, 2.0))
    np.testing.assert_allclose(result[2], expected(10.0, 20.0))


@pytest.mark.parametrize("ids", [[], [1, 1], list(range(9))])
def test_what_are_no_faces_of_a_frame_is_refused(streams: FaceStreams, ids: list[int]):
    with pytest.raises(EngineError, match="expected 1 to 8 different ones"):
        streams.begin(0, ids)


def test_all_faces_in_one_call_are_what_each_alone_would_be(engine: OnnxRuntimeEngine):
    rng = np.random.default_rng(2)
    inputs = {name: rng.random((8, WIDTH), np.float32) for name in ("points", "state")}
    together = run_once(engine, inputs)
    for row in range(8):
        alone = run_once(engine, {name: array[row : row + 1] for name, array in inputs.items()})
        for name, array in alone.items():
            np.testing.assert_array_equal(array[0], together[name][row])


def test_finite_tells_which_faces_are_sound():
    arrays = {"a": np.array([[1.0], [np.nan], [2.0]]), "b": np.array([1.0, 1.0, np.inf])}
    assert finite(arrays).tolist() == [True, False, False]
