from __future__ import annotations

import mmap
import os
from pathlib import Path

import pytest

from face1d_ros.cli.checks import Level, shared_memory


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(shared_memory, "FOLDER", tmp_path)
    return tmp_path


def test_what_a_killed_node_left_in_shared_memory_is_a_note_with_what_to_do(folder: Path) -> None:
    for name in ("fastrtps_0123", "fastrtps_0123_el", "fast_datasharing_7", "somebody_elses"):
        (folder / name).write_bytes(bytes(1_000_000))
    left = shared_memory.left_over()
    assert left.level is Level.NOTE
    assert left.details == ["fast_datasharing_7", "fastrtps_0123", "fastrtps_0123_el"]
    assert left.found == f"3 files of nodes that were killed in {folder}, 3 MB"
    assert f"{folder}/fastrtps_*" in left.advice


def test_what_a_process_holds_open_or_mapped_is_not_left(folder: Path) -> None:
    (folder / "fastrtps_open_el").touch()
    (folder / "fastrtps_mapped").write_bytes(bytes(mmap.PAGESIZE))
    descriptor = os.open(folder / "fastrtps_mapped", os.O_RDWR)
    segment = mmap.mmap(descriptor, mmap.PAGESIZE)  # keeps a descriptor of its own, which must not be what is seen
    os.close(descriptor)
    with (folder / "fastrtps_open_el").open():
        assert shared_memory.left_over().level is Level.OK
    assert shared_memory.left_over().details == ["fastrtps_open_el"]
    segment.close()
    assert shared_memory.left_over().details == ["fastrtps_mapped", "fastrtps_open_el"]
