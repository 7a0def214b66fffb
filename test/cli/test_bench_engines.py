from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from engines.tiny_bundle import write_bundle

from face1d_ros.cli import engine_timing
from face1d_ros.cli.bench_engines import MANY, targets
from face1d_ros.cli.main import face1d
from face1d_ros.engines.bare import BareOnnxRuntime, tiled
from face1d_ros.engines.bundle import load_bundle
from face1d_ros.errors import InvalidValueError

FEW = ["--frames", "20", "--rounds", "5", "--windows", "8"]


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch):
    """What is measured here is not looked at: no pauses, few calls."""
    monkeypatch.setattr(engine_timing, "_sleep_until", lambda *_: None)
    monkeypatch.setattr("face1d_ros.cli.bench_engines.TIGHT_CALLS", 4)


def run(*arguments: str):
    return CliRunner().invoke(face1d, ["bench", "engines", *arguments], catch_exceptions=False)


def test_an_untrained_network_is_measured_and_marked(tmp_path: Path):
    result = run("--family", "gru", "--json", str(tmp_path / "m.json"), *FEW)
    assert result.exit_code == 0
    assert "gru: untrained, for timing only" in result.stdout
    document = json.loads((tmp_path / "m.json").read_text())
    assert document["conditions"]["untrained"] == ["gru"]
    latency = [row for row in document["rows"] if row["part"] == "latency"]
    assert [(row["faces"], row["pace"]) for row in latency if row["device"] == "CPU"] == [
        (faces, pace) for faces in (1, MANY) for pace in ("30 Hz", "60 Hz", "tight loop")
    ]
    assert document["targets"]["engines.parity_abs"]["pass"]
    assert set(document["targets"]) == {"engines.parity_abs", "engines.wrapper_us", "engines.eight_faces_ratio"}


def test_a_bundle_of_no_network_of_ours_has_no_parity(tmp_path: Path):
    folder = write_bundle(tmp_path / "leaky_sum")
    result = run("--bundle", str(folder), "--json", str(tmp_path / "m.json"), *FEW)
    assert result.exit_code == 0
    target = json.loads((tmp_path / "m.json").read_text())["targets"]["engines.parity_abs"]
    assert target == {"value": None, "target": 1e-5, "pass": False}


def test_with_nothing_to_measure_it_says_what_can_be(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("face1d_ros.cli.bench_engines.shipped_bundles", list)
    with pytest.raises(InvalidValueError, match="--family gru for an untrained network"):
        run()


def row(parity: float | None, wrapper: float, ratio: float, precision: str = "fp32") -> dict[str, object]:
    times = {"wrapper_us_tight": wrapper, "eight_ratio_30hz": ratio}
    return {"part": "network", "network": "smoothing_lstm_68", "precision": precision, "parity": parity, **times}


def test_targets_are_those_of_the_worst_network_but_eight_faces_of_the_default_smoother():
    default = {**row(1e-6, 4.0, 2.0), "network": "smoothing_gru_478"}
    found = targets([row(1e-7, 5.0, 3.0), default, {"part": "latency"}])
    assert {key: (target.value, target.passed) for key, target in found.items()} == {
        "engines.parity_abs": (1e-6, True),
        "engines.wrapper_us": (5.0, True),
        "engines.eight_faces_ratio": (2.0, True),
    }
    assert targets([row(1e-7, 5.0, 2.0)])["engines.eight_faces_ratio"].value is None


def test_parity_is_asked_of_fp32_networks_and_of_each_of_them():
    half = row(3e-5, 1.0, 1.0, "fp16")
    assert targets([row(1e-7, 1.0, 1.0), half])["engines.parity_abs"].value == 1e-7
    assert targets([half])["engines.parity_abs"].value is None
    assert targets([row(1e-7, 1.0, 1.0), row(None, 1.0, 1.0)])["engines.parity_abs"].value is None


def test_bare_onnx_runtime_carries_its_memory(tmp_path: Path):
    bundle = load_bundle(write_bundle(tmp_path / "leaky_sum"))
    inputs = tiled(bundle.golden_inputs, 3)
    assert (inputs["points"][2] == inputs["points"][0]).all()
    runtime = BareOnnxRuntime(bundle)
    runtime.run(inputs)
    before = inputs["state"].copy()
    sums = runtime.run(inputs)[0]
    assert (sums != before).any()
    assert (inputs["state"] == sums).all()


def test_both_sides_have_the_same_number_of_turns_and_take_turns_at_being_first():
    turns: list[str] = []
    calls = (lambda: turns.append("a"), lambda: turns.append("b"))
    medians = engine_timing.side_by_side(calls, 4, 3, None, lambda: None)
    after_warm_up = "".join(turns[2 * engine_timing.WARM_UP_CALLS :])
    assert after_warm_up == "ababab" + "bababa" + "ababab" + "bababa"
    assert len(medians) == 4
