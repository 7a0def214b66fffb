"""Which models the identity stage takes, and what threshold follows from what was measured for them."""

from __future__ import annotations

import math
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from identity_faces import Frames, resting, stage_of, wish, write_encoder

from face1d_ros.config import IdentityConfig
from face1d_ros.engines.bundle import load_bundle
from face1d_ros.errors import BundleError, EngineError, InvalidValueError, RequestRefusedError
from face1d_ros.geometry.motion_clip import FRAMES
from face1d_ros.stages import bundle_runner, identity_model
from face1d_ros.stages.identity import IdentityStage
from face1d_ros.stages.identity_model import EncoderRunner, make_runner, operating_points
from face1d_ros.stages.identity_motion import Motion
from face1d_ros.types import Decision


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("bundles") / "deformation")


@pytest.mark.parametrize(
    ("rate", "threshold"),
    [(0.1, 0.5), (0.01, 0.65), (0.001, 0.8), (0.0001, 0.9), (math.sqrt(1e-7), 0.85)],
)
def test_the_threshold_follows_the_logarithm_of_the_rate(bundle: Path, rate: float, threshold: float) -> None:
    assert operating_points(load_bundle(bundle)).threshold(rate) == pytest.approx(threshold)


@pytest.mark.parametrize("rate", [0.11, 0.00009, math.nan, 0.0])
def test_outside_what_was_measured_there_is_no_threshold(bundle: Path, rate: float) -> None:
    with pytest.raises(InvalidValueError, match=r"false_match_rate: .* to 0.1, as measured for deformation 1"):
        operating_points(load_bundle(bundle)).threshold(rate)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"operating_points": None}, "settings.operating_points"),
        ({"operating_points": []}, "settings.operating_points"),
        ({"operating_points": [[0.1, 0.5]]}, "settings.operating_points"),
        ({"operating_points": [[0.1, 0.5], [0.01]]}, "settings.operating_points"),
        ({"operating_points": [[0.1, 0.5], [0.01, "0.6"]]}, "settings.operating_points"),
        ({"operating_points": [[0.1, 0.5], [0.01, True]]}, "settings.operating_points"),
        ({"operating_points": [[0.01, 0.5], [0.1, 0.6]]}, "falling rate"),
        ({"operating_points": [[0.1, 0.5], [0.01, 0.4]]}, "rising threshold"),
        ({"operating_points": [[0.1, 0.5], [0.0, 0.6]]}, "above 0"),
        ({"operating_points": [[0.1, 0.5], [0.01, 1.1]]}, "from -1 to 1"),
        ({"operating_points": {"0.1": 0.5}}, "settings.operating_points"),
        ({"rate_hz": 25.0}, "settings.rate_hz.*20.0"),
        ({"frames": None}, "settings.frames"),
        ({"spatial": "pixels"}, "settings.spatial.*'curves' or 'maps'"),
        ({"spatial": "maps"}, r"tensors: .*'maps': \('faces', 128, 512, 7, 7\)"),
    ],
)
def test_a_manifest_that_says_something_else_is_refused_by_the_key(
    tmp_path: Path, settings: dict[str, Any], says: str
) -> None:
    odd = write_encoder(tmp_path / "odd", settings=settings)
    with pytest.raises(BundleError, match=says):
        EncoderRunner(load_bundle(odd), "onnxruntime", "")
    with pytest.raises(InvalidValueError, match=f"a model that can be loaded.*{says}"):
        stage_of(odd, tmp_path / "gallery")


def test_one_of_another_task_or_of_no_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match=r"task.*'mesh'.*'identity'"):
        stage_of(write_encoder(tmp_path / "mesh", task="mesh"), tmp_path / "gallery")
    with pytest.raises(InvalidValueError, match=r"one of auto.*or the folder of a model bundle"):
        stage_of(tmp_path / "nothing", tmp_path / "gallery")


def test_where_none_is_shipped_frames_go_on_and_requests_say_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity_model, "shipped_bundles", list)
    with closing(IdentityStage(IdentityConfig(gallery=str(tmp_path / "gallery")))) as stage:
        frames = Frames(stage)
        assert frames.play(resting()).decision is Decision.UNKNOWN
        assert frames.answers[-1].info.model == "none"
        said = "no model identity_n_pair comes with this version: nobody can be enrolled or judged"
        assert stage.diagnostics()["notice"] == said
        for ask in (stage.identify, lambda: stage.verify("0" * 16), lambda: stage.enrol(wish())):
            with pytest.raises(RequestRefusedError, match=said):
                ask()
    assert list(tmp_path.iterdir()) == []


def some_motion(scale: float = 1.0) -> Motion:
    points = scale * np.random.default_rng(1).standard_normal((FRAMES, 204)).astype(np.float32)
    return Motion(points, np.ones(FRAMES, np.float32), 0, 10**9, 1.0, 0.0)


def test_an_answer_that_is_no_vector_of_length_one_is_an_error(bundle: Path) -> None:
    runner, _ = make_runner(str(bundle), "onnxruntime")
    assert runner is not None
    with closing(runner):
        assert np.linalg.norm(runner.encode(some_motion())) == pytest.approx(1.0, abs=1e-5)
        with pytest.raises(EngineError, match="answers refused"):
            runner.encode(some_motion(0.0))


def test_the_shipped_one_is_taken_where_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = write_encoder(tmp_path / "models" / identity_model.DEFAULT)
    for module in (identity_model, bundle_runner):
        monkeypatch.setattr(module, "shipped_bundles", lambda: [shipped])
    runner, notice = make_runner("auto", "onnxruntime")
    assert runner is not None and notice == ""
    with closing(runner):
        assert (runner.why, runner.dimension) == ("auto: the shipped model", 204)
