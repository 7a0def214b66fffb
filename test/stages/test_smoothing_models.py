"""Which smoother a name stands for, and how the stage goes from one to another while frames come."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from smoothing_bundles import HALVE, LATE, write_smoother
from smoothing_frames import face, frame, shape

from face1d_ros.config import SmoothingConfig
from face1d_ros.errors import EngineError, InvalidValueError
from face1d_ros.stages import smoothing_choice, smoothing_switch
from face1d_ros.stages.smoothing import SmoothingStage
from face1d_ros.stages.smoothing_model import Smoother
from face1d_ros.types import Topology, TrackState

Ship = Callable[..., Path]


@pytest.fixture
def ship(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ship:
    """Puts bundles among those that come with the package."""
    shipped: list[Path] = []
    monkeypatch.setattr(smoothing_choice, "shipped_bundles", lambda: list(shipped))

    def add(name: str, nodes: Any = HALVE, **changes: Any) -> Path:
        shipped.append(write_smoother(tmp_path / "models" / name, nodes, **changes))
        return shipped[-1]

    return add


def config(model: object, **settings: Any) -> SmoothingConfig:
    return SmoothingConfig(model=str(model), engine="onnxruntime", **settings)


def first(stage: SmoothingStage, index: int = 0, shift_px: float = 0.0) -> Any:
    """What becomes of a frame with one face: the face, and what the stage says of itself."""
    answer = stage.process(frame(index, [face(shift_px=shift_px)]))
    assert answer is not None
    return answer.faces[0], answer.info


def test_auto_takes_the_shipped_model_for_the_landmarks_there_are(ship: Ship) -> None:
    ship("smoothing_gru_68")
    stage = SmoothingStage(config("auto"))
    assert first(stage)[1].model == "tiny 1"
    assert "notice" not in stage.diagnostics()
    assert stage.diagnostics()["model chosen because"] == "auto: the shipped model for 68 landmarks"
    assert "ONNX Runtime on the CPU" in str(stage.diagnostics()["engine chosen because"])
    stage.close()


def test_auto_without_a_shipped_model_is_the_one_euro_filter_and_says_so(ship: Ship) -> None:
    stage = SmoothingStage(config("auto"))
    assert first(stage)[1].model == "one_euro"
    notice = "no model smoothing_gru_68 comes with this version: the filter one_euro is in its place"
    assert stage.diagnostics()["notice"] == notice


def test_auto_with_a_damaged_model_is_the_filter_and_says_why(ship: Ship) -> None:
    (ship("smoothing_gru_68") / "golden.npz").write_bytes(b"")
    stage = SmoothingStage(config("auto"))
    assert first(stage)[1].model == "one_euro"
    assert "SHA-256 of golden.npz" in str(stage.diagnostics()["notice"])


def test_auto_with_a_model_that_nothing_runs_is_the_filter_and_says_why(
    ship: Ship, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise EngineError("onnxruntime", "golden run differs")

    ship("smoothing_gru_68")
    monkeypatch.setattr(smoothing_choice, "NetworkSmoother", fail)
    stage = SmoothingStage(config("auto"))
    assert first(stage)[1].model == "one_euro"
    assert "golden run differs" in str(stage.diagnostics()["notice"])
    with pytest.raises(InvalidValueError, match="golden run differs"):
        SmoothingStage(config("smoothing_gru_68"))


@pytest.mark.parametrize("name", ["smoothing-68-fast", "smoothing_68_fast"])
def test_a_shipped_model_goes_by_its_name(ship: Ship, name: str) -> None:
    ship("smoothing_68_fast")
    stage = SmoothingStage(config(name))
    assert first(stage)[1].model == "tiny 1"
    stage.close()


def test_a_model_for_other_landmarks_gives_way_to_the_filter(tmp_path: Path) -> None:
    stage = SmoothingStage(config(write_smoother(tmp_path / "tiny", HALVE)))
    for index, topology in enumerate((Topology.FACE_68, Topology.MESH_478, Topology.FACE_68)):
        answer = stage.process(frame(index, [face(topology=topology)]))
        assert answer is not None
        fits = topology is Topology.FACE_68
        assert answer.info.model == ("tiny 1" if fits else "one_euro")
        notice = str(stage.diagnostics().get("notice", ""))
        assert notice.endswith(
            "" if fits else "takes 68 landmarks, these faces have 478: the filter one_euro is in its place"
        )
        assert bool(notice) is not fits
    stage.close()


WRONG: dict[str, dict[str, Any]] = {
    "task": {"task": "expression"},
    "inputs": {"memory": ()},
    "look_ahead": {"settings": {"look_ahead": -1}},
    "look_ahead of": {"settings": {"look_ahead": 2.5}},
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_bundle_that_is_no_smoother_is_refused(tmp_path: Path, kind: str) -> None:
    folder = write_smoother(tmp_path / "tiny", HALVE, **WRONG[kind])
    with pytest.raises(InvalidValueError, match=rf"model: got .*{kind.split()[0]}"):
        SmoothingStage(config(folder))


def test_a_bundle_whose_answer_has_another_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match=r"outputs: got \['result'"):
        SmoothingStage(config(write_smoother(tmp_path / "tiny", HALVE, answer="result")))


@pytest.mark.parametrize("name", ["", "smooth", "/nowhere/bundle", "one euro"])
def test_a_name_that_stands_for_nothing_is_refused(name: str) -> None:
    with pytest.raises(InvalidValueError, match=r"model: got .*expected one of auto, none, exponential, one_euro"):
        SmoothingStage(SmoothingConfig(model=name))


def test_another_model_is_at_work_from_the_next_frame_on(tmp_path: Path) -> None:
    stage = SmoothingStage(config(write_smoother(tmp_path / "tiny", HALVE)))
    first(stage)
    other = config("one_euro")
    stage.prepare(other)
    assert first(stage, 1, 4.0)[1].model == "tiny 1"
    stage.configure(other)
    steady, info = first(stage, 2, 4.0)
    assert info.model == "one_euro"
    np.testing.assert_array_equal(steady.points, shape() + np.float32(4.0))  # it has not seen the face before
    back = config(tmp_path / "tiny")
    stage.configure(back)
    assert first(stage, 3)[1].model == "tiny 1"
    stage.close()


@pytest.mark.parametrize("name", ["nonsense", "damaged"])
def test_a_model_that_cannot_be_loaded_is_refused_and_the_old_one_goes_on(tmp_path: Path, name: str) -> None:
    stage = SmoothingStage(config(write_smoother(tmp_path / "tiny", HALVE)))
    first(stage)
    (write_smoother(tmp_path / "damaged", HALVE) / "model.onnx").write_bytes(b"")
    with pytest.raises(InvalidValueError, match="model: got"):
        stage.prepare(config(tmp_path / name))
    steady, info = first(stage, 1, 4.0)
    assert info.model == "tiny 1"
    np.testing.assert_allclose(steady.points, shape() + 2.0, atol=1e-4)
    stage.close()


def at_work(name: str) -> SmoothingStage:
    """A stage that has seen a face already, of the topology that the model is now for."""
    stage = SmoothingStage(config(name))
    first(stage)
    return stage


class Slow:
    """Makes smoothers as usual, but only when it is let."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go = threading.Event()
        self.error: InvalidValueError | None = None
        self._make = smoothing_switch.make
        self.made: list[Smoother] = []
        monkeypatch.setattr(smoothing_switch, "make", self.make)

    def make(self, *arguments: Any) -> Smoother:
        assert self.go.wait(20.0)
        if self.error is not None:
            raise self.error
        self.made.append(self._make(*arguments))
        return self.made[-1]


def wait_until(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 20.0
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.005)


def test_while_a_model_is_loaded_the_old_one_answers_every_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = at_work("one_euro")
    slow, other = Slow(monkeypatch), config("kalman")
    stage.prepare(other)
    stage.configure(other)
    assert [first(stage, index)[1].model for index in range(5)] == ["one_euro"] * 5
    assert stage.diagnostics()["model being loaded"] == "kalman"
    slow.go.set()
    wait_until(lambda: stage._switch._loading is None or stage._switch._loading.is_done)
    assert first(stage, 5)[1].model == "kalman"
    assert "model being loaded" not in stage.diagnostics()


def test_a_model_that_fails_late_leaves_the_old_one_at_work_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = at_work("one_euro")
    slow, other = Slow(monkeypatch), config("kalman")
    stage.prepare(other)
    stage.configure(other)
    slow.error = InvalidValueError("model", "kalman", "a better day")
    slow.go.set()
    wait_until(lambda: first(stage)[1].model == "one_euro" and "notice" in stage.diagnostics())
    assert "a better day; one_euro goes on" in str(stage.diagnostics()["notice"])
    stage.prepare(config("one_euro"))
    stage.configure(config("one_euro"))
    assert "notice" not in stage.diagnostics()


def test_a_model_that_nobody_wants_any_more_never_comes_to_work(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = at_work("one_euro")
    slow = Slow(monkeypatch)
    for name in ("kalman", "exponential", "one_euro"):
        stage.prepare(config(name))
        stage.configure(config(name))
    slow.go.set()
    wait_until(lambda: len(slow.made) == 2)
    assert [first(stage, index)[1].model for index in range(5)] == ["one_euro"] * 5


def test_from_a_model_that_looks_ahead_to_one_that_does_not_the_newest_frame_is_answered(tmp_path: Path) -> None:
    stage = SmoothingStage(config(write_smoother(tmp_path / "tiny", LATE)))
    assert [stage.process(frame(index, [face()])) is None for index in range(3)] == [True, True, False]
    stage.configure(config("none"))
    value = frame(3, [face()])
    assert stage.process(value).header is value.header  # type: ignore[union-attr]
    stage.close()


def test_a_trained_familys_network_steadies_and_bridges_478_landmarks(tmp_path: Path) -> None:
    """The real inputs and outputs of the networks of this package, with random weights."""
    export = pytest.importorskip("face1d_ros.train.export", reason="PyTorch is not installed")
    stage = SmoothingStage(config(export.write_untrained("gru", tmp_path / "gru", 1)))
    for index in range(20):
        faces = [face(track_id, topology=Topology.MESH_478) for track_id in (1, 2)] if index < 15 else []
        answer = stage.process(frame(index, faces))
        assert answer is not None and [each.track_id for each in answer.faces] == [1, 2]
        for each in answer.faces:
            assert each.state is (TrackState.MEASURED if index < 15 else TrackState.BRIDGED)
            assert np.abs(each.points - shape(Topology.MESH_478)).max() < 30.0
    assert "smoothing.answers refused" not in stage.diagnostics()
    stage.close()
