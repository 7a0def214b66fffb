from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for gallery_cases, system_calls

from gallery_cases import Case
from system_calls import Calls


@pytest.fixture(autouse=True)
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """System calls of the gallery, which may be told to fail. They do not wait for the disk."""
    return Calls.installed(monkeypatch)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)
