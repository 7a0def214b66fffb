"""`face1d engine`, on a machine whose GPU and TensorRT are stand-ins."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from engines.fake_machine import FakeMachine
from engines.fake_tensorrt import NEW
from engines.tiny_bundle import write_bundle

from face1d_ros.cli import engine, engine_verify
from face1d_ros.engines import tensorrt_cuda
from face1d_ros.engines.bundle import Bundle, load_bundle
from face1d_ros.engines.tensorrt_builder import ensure_engine
from face1d_ros.engines.tensorrt_cache import EngineCache
from face1d_ros.errors import EngineError


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeMachine]:
    machine = FakeMachine(tmp_path, monkeypatch)
    yield machine
    tensorrt_cuda.device.cache_clear()
    assert machine.cuda.wrong == []


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return load_bundle(write_bundle(tmp_path / "models" / "leaky_sum"))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(engine.command, arguments, catch_exceptions=False)


def test_build_builds_and_then_finds(machine: FakeMachine, bundle: Bundle):
    machine.for_children()
    for said in ("leaky_sum: built and tried in", "leaky_sum: was there, tried in"):
        result = run("build", str(bundle.path))
        assert result.exit_code == 0
        assert said in result.output and "golden run within" in result.output


def test_build_ends_with_1_if_one_fails(machine: FakeMachine, bundle: Bundle):
    machine.for_children(faults="crash")
    result = run("build", "--folder", str(bundle.path.parent))
    assert result.exit_code == 1
    assert "leaky_sum: failed: engine tensorrt: the build ended with SIGSEGV" in result.output


def test_verify_prints_all_that_an_owner_needs(
    machine: FakeMachine, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(engine_verify, "RATE_HZ", 1000.0)
    monkeypatch.setattr(engine, "build_line", lambda path, again: "built in 3.2 s")
    ensure_engine(bundle, lambda *_: None)
    path = tmp_path / "verify.json"
    result = run("verify", str(bundle.path), "--seconds", "0.1", "--calls", "10", "--json", str(path))
    assert result.exit_code == 0, result.output
    assert "TensorRT 10.3.0, CUDA 12.6, Fake Orin (compute capability 8.7, memory its own)" in result.output
    assert "leaky_sum: built in 3.2 s" in result.output
    written = json.loads(path.read_text(encoding="utf-8"))
    assert [(row["engine"], row["device"]) for row in written["rows"]] == [
        ("tensorrt", "Fake Orin"),
        ("onnxruntime", "CPU"),
    ]
    assert all(row["calls a second"] > 0 and row["p99 ms"] >= row["p95 ms"] > 0 for row in written["rows"])
    targets = {key.removeprefix("leaky_sum."): target for key, target in written["targets"].items()}
    assert set(targets) == {"golden_error", "difference_to_cpu", "one_cuda_graph", "fallback_error", "fallback_s"}
    assert all(target["pass"] for target in targets.values())
    assert written["conditions"]["tensorrt"]["capability"] == "8.7"


def test_verify_ends_with_1_if_the_engine_differs_from_the_cpu(
    machine: FakeMachine, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(engine_verify, "RATE_HZ", 1000.0)
    monkeypatch.setattr(engine, "build_line", lambda path, again: "was there")
    ensure_engine(bundle, lambda *_: None)
    machine.trt.faults.add("wrong")
    result = run("verify", str(bundle.path), "--seconds", "0.1", "--calls", "10")
    assert result.exit_code == 1
    assert "fail  leaky_sum.difference_to_cpu" in result.output


def test_verify_without_tensorrt_says_what_is_missing(bundle: Bundle):
    with pytest.raises(Exception, match="JetPack brings it"):
        run("verify", str(bundle.path))


def test_verify_without_bundles_says_so(tmp_path: Path):
    with pytest.raises(EngineError, match="no model bundles"):
        run("verify", "--folder", str(tmp_path))


def test_list_tells_what_fits_what_is_old_and_what_is_not_ours(machine: FakeMachine, bundle: Bundle):
    assert "no engines in" in run("list").output
    ensure_engine(bundle, lambda *_: None)
    machine.become(NEW)
    ensure_engine(bundle, lambda *_: None)
    (EngineCache().folder / "foreign.plan").write_bytes(b"foreign")
    lines = [line.strip() for line in run("list").output.splitlines()]
    (fits,) = (line for line in lines if line.startswith("leaky_sum") and line.endswith(" fits"))
    assert "11.4.0.106" in fits and "12.6" in fits and "Fake Orin (8.7," in fits
    (old,) = (line for line in lines if line.startswith("leaky_sum") and "for another version or device" in line)
    assert "10.3.0" in old
    assert any(line.startswith("foreign") and "not believed" in line for line in lines)


def test_clear_removes_the_old_ones_or_all(machine: FakeMachine, bundle: Bundle):
    assert "nothing to remove" in run("clear").output
    ensure_engine(bundle, lambda *_: None)
    machine.become(NEW)
    ensure_engine(bundle, lambda *_: None)
    assert "removed 1 engine " in run("clear", "--old", "--yes").output
    assert {entry.fields["tensorrt"] for entry in EngineCache().entries()} == {NEW}
    aborted = CliRunner().invoke(engine.command, ["clear"], input="n\n")
    assert aborted.exit_code == 1 and len(EngineCache().entries()) == 1
    run("clear", "--yes")
    assert EngineCache().entries() == []
