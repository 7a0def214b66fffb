"""A process that ends in the midst of a change leaves every subject whole or absent, and loses none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from operations import OPERATIONS

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """In memory where that can be: some hundred galleries are copied."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="face1d-gallery-") as name:
        yield Path(name)


def found(way: str, folder: Path) -> Any:
    paths = os.pathsep.join([str(ROOT), str(HERE)])
    environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    answer = subprocess.run(
        [sys.executable, HERE / "dying.py", way, folder], env=environment, capture_output=True, text=True, timeout=120
    )
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_death_at_any_system_call_leaves_all_as_before_or_as_after(folder: Path) -> None:
    counts = found("calls", folder)
    assert counts.keys() == OPERATIONS.keys()
    for name, count in counts.items():
        assert count["old"] >= 10, name
        if not name.startswith("rotate"):  # which changes nobody
            assert count["new"] >= 3, name


def test_death_at_the_first_opening_is_made_good_at_the_second(folder: Path) -> None:
    assert found("first", folder) > 15


def test_kills_at_random_moments_lose_nothing_that_was_confirmed(folder: Path) -> None:
    seen = found("random", folder)
    assert seen["changes"] > 50
