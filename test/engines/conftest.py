from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from engines.fake_machine import FakeMachine
from engines.tiny_bundle import write_bundle

from face1d_ros.engines import tensorrt_cuda
from face1d_ros.engines.bundle import Bundle, load_bundle


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeMachine]:
    """With a GPU and TensorRT 10.3. A test in which these were used wrongly has failed."""
    machine = FakeMachine(tmp_path, monkeypatch)
    yield machine
    wrong = machine.cuda.wrong
    tensorrt_cuda.device.cache_clear()
    assert wrong == []


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return load_bundle(write_bundle(tmp_path / "leaky_sum"))
