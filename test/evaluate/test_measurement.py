"""The one form of every measurement."""

from __future__ import annotations

import json
import math
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from face1d_ros.errors import InvalidValueError
from face1d_ros.evaluate.measurement import Measurement, MeasurementError, Target, conditions


def measurement(**targets: Target) -> Measurement:
    return Measurement("bench x", conditions(seed=3), [{"faces": 1, "p50_ms": 0.5}], targets)


@pytest.mark.parametrize(
    "value,comparison,passed",
    [
        (0.2, "<=", True),
        (0.1, "<=", True),
        (0.21, "<=", False),
        (0.2, ">=", True),
        (0.21, ">=", True),
        (0.19, ">=", False),
        (np.float32(0.1), "<=", True),
        (None, "<=", False),
        (None, ">=", False),
        (math.nan, "<=", False),
        (math.nan, ">=", False),
        (math.inf, ">=", False),
        (-math.inf, "<=", False),
    ],
)
def test_a_target_is_reached_only_by_a_real_value(value: Any, comparison: str, passed: bool) -> None:
    target = Target(value, 0.2, comparison)
    assert target.passed is passed
    assert target.as_dict() == {"value": value, "target": 0.2, "pass": passed} or math.isnan(value)


def test_an_unknown_comparison_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="comparison"):
        Target(1.0, 1.0, "<")


def test_the_file_has_exactly_the_agreed_form(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    measurement(**{"x.ms": Target(0.3, 0.2)}).write_json(path)
    written = json.loads(path.read_text(encoding="utf-8"))
    assert list(written) == ["command", "conditions", "rows", "targets"]
    assert written["command"] == "bench x"
    assert written["rows"] == [{"faces": 1, "p50_ms": 0.5}]
    assert written["targets"] == {"x.ms": {"value": 0.3, "target": 0.2, "pass": False}}


def test_conditions_name_machine_versions_seed_and_data() -> None:
    found = conditions(seed=3, data_sha256="ab", rounds=5)
    assert found["machine"]["cpu"] and found["machine"]["os"] and found["machine"]["cores"] >= 1
    assert {"python", "numpy", "mediapipe", "onnxruntime", "ros_distribution"} <= set(found["versions"])
    assert found["versions"]["numpy"] == np.__version__
    assert (found["seed"], found["data_sha256"], found["rounds"]) == (3, "ab", 5)


def test_what_is_not_known_is_null_and_the_file_stays_strict_json(tmp_path: Path) -> None:
    rows = [{"a": math.nan, "b": np.float32(0.5), "c": np.int64(3), "d": math.inf, "e": np.bool_(True)}]
    path = tmp_path / "x.json"
    Measurement("x", conditions(), rows, {"k": Target(math.nan, 1)}).write_json(path)

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    written = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    assert written["rows"] == [{"a": None, "b": 0.5, "c": 3, "d": None, "e": True}]
    assert written["targets"]["k"] == {"value": None, "target": 1, "pass": False}


def test_all_targets_must_pass() -> None:
    good, bad = Target(1, 2), Target(3, 2)
    assert measurement().passed
    assert measurement(a=good).passed
    assert not measurement(a=good, b=bad).passed


def test_a_file_that_cannot_be_written_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    measurement().write_json(path)
    before = path.read_bytes()
    broken = Measurement("x", {"never": object()}, [])
    with pytest.raises(TypeError):
        broken.write_json(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_can_be_read_by_others(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    measurement().write_json(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(MeasurementError, match="No such file"):
        measurement().write_json(tmp_path / "missing" / "x.json")
