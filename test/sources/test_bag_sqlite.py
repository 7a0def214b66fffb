"""Broken SQLite bags: rows behind damaged pages are read, the rest is told."""

from __future__ import annotations

import random
import shutil
import sqlite3
from pathlib import Path

import pytest
from rosbags.rosbag2 import StoragePlugin
from sources.bags import IMAGE, START_NS, STEP_NS, noise, record, recording_of, text

from face1d_ros.errors import SourceBrokenOffError, SourceUnreadableError
from face1d_ros.sources.bag import BagTopic
from face1d_ros.sources.bag_messages import recorded

COUNT = 200
PAGE_BYTES = 4096


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A recording of 8 s."""
    folder = tmp_path_factory.mktemp("whole")
    return recording_of(record(folder / "bag", {"/image": noise(COUNT)}, StoragePlugin.SQLITE3)).read_bytes()


def read(path: Path, data: bytes) -> tuple[list[int], list[str]]:
    """(times of the images in steps, damage)."""
    path.write_bytes(data)
    damage: list[str] = []
    found = list(recorded(path, ["/image"], damage))
    assert all(message.type == IMAGE for message in found)
    return [round((message.stamp_ns - START_NS) / STEP_NS) for message in found], damage


def test_a_file_that_was_cut_off_gives_all_before(tmp_path: Path, whole: bytes) -> None:
    stamps, damage = read(tmp_path / "cut.db3", whole[: len(whole) * 6 // 10])
    assert stamps == list(range(len(stamps)))
    assert 0.55 * COUNT < len(stamps) <= 0.61 * COUNT
    (told,) = damage
    assert told.startswith(f"cut.db3, rows {len(stamps) + 1} and later: pages are damaged or missing")


def test_a_file_that_lost_a_few_bytes_at_its_end_says_so(tmp_path: Path, whole: bytes) -> None:
    stamps, damage = read(tmp_path / "cut.db3", whole[:-10])
    assert COUNT - 2 <= len(stamps) <= COUNT
    assert damage


@pytest.mark.parametrize("seed", range(6))
def test_rows_behind_damaged_pages_are_read(tmp_path: Path, whole: bytes, seed: int) -> None:
    damaged = bytearray(whole)
    rng = random.Random(seed)
    for _ in range(3):
        page = rng.randrange(20, len(whole) // PAGE_BYTES)
        damaged[page * PAGE_BYTES : (page + 2) * PAGE_BYTES] = rng.randbytes(2 * PAGE_BYTES)
    stamps, damage = read(tmp_path / "a.db3", bytes(damaged))
    assert stamps == sorted(set(stamps))
    assert len(stamps) > COUNT * 0.8
    assert damage or len(stamps) == COUNT, "bytes changed in the middle of an image cannot be told"


def test_what_is_lost_is_told_with_rows_times_and_counts(tmp_path: Path, whole: bytes) -> None:
    folder = tmp_path / "bag"
    record(folder, {"/image": noise(COUNT)}, StoragePlugin.SQLITE3)
    at = len(whole) // 2 // PAGE_BYTES * PAGE_BYTES
    stamps, damage = read(recording_of(folder), whole[:at] + b"\xff" * 5 * PAGE_BYTES + whole[at + 5 * PAGE_BYTES :])
    lost = sorted(set(range(COUNT)) - set(stamps))
    assert 1 <= len(lost) <= 12
    (told,) = damage
    assert f": pages are damaged or missing; {len(lost)} message" in told
    assert f"between {(lost[0] - 1) * 0.04:.3f} s and {(lost[-1] + 1) * 0.04:.3f} s" in told
    damage = []
    assert len(list(recorded(folder, None, damage))) == len(stamps)
    assert damage == [told, f"in all {len(stamps)} of {COUNT} announced messages could be read"]


def test_the_images_of_a_broken_file_come_and_then_an_error_tells(tmp_path: Path, whole: bytes) -> None:
    (tmp_path / "cut.db3").write_bytes(whole[: len(whole) // 2])
    frames = []
    with BagTopic(tmp_path / "cut.db3") as source:
        assert source.length is None
        with pytest.raises(SourceBrokenOffError, match=r"ended after \d+ images; cut.db3, rows \d+ and later"):
            frames.extend(source.frames())
    assert 80 < len(frames) < 105


def test_what_a_recorder_left_in_its_journal_is_read(tmp_path: Path) -> None:
    bag = record(tmp_path / "bag", {"/text": [text("one")]}, StoragePlugin.SQLITE3)
    file = recording_of(bag)
    (bag / "metadata.yaml").unlink()
    writing = sqlite3.connect(file)
    writing.execute("PRAGMA journal_mode=WAL")
    writing.execute("INSERT INTO messages SELECT 2, topic_id, timestamp + 1, data FROM messages")
    writing.commit()
    shutil.copytree(bag, tmp_path / "left")
    writing.close()
    assert len(list(recorded(tmp_path / "left"))) == 2


@pytest.mark.parametrize(
    "changes",
    [
        "DROP TABLE messages",
        "DROP TABLE topics",
        "DROP TABLE messages; CREATE VIEW messages AS "
        "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) "
        "SELECT id, 1 AS topic_id, id AS timestamp, x'00' AS data FROM n",
    ],
)
def test_a_file_with_other_tables_is_refused(tmp_path: Path, changes: str) -> None:
    file = recording_of(record(tmp_path / "bag", {"/text": [text("one")]}, StoragePlugin.SQLITE3))
    with sqlite3.connect(file) as db:
        db.executescript(changes)
    with pytest.raises(SourceUnreadableError, match=r"bag\.db3: it cannot be read: it has no table of "):
        list(recorded(file))


def test_rows_of_odd_types_are_told_one_by_one(tmp_path: Path) -> None:
    file = recording_of(record(tmp_path / "bag", {"/text": [text(str(i)) for i in range(6)]}, StoragePlugin.SQLITE3))
    with sqlite3.connect(file) as db:
        db.execute("UPDATE messages SET timestamp = 'soon' WHERE id = 2")
        db.execute("UPDATE messages SET topic_id = 77 WHERE id = 4")
    damage: list[str] = []
    assert len(list(recorded(file, ["/text"], damage))) == 4
    assert damage[0].startswith("bag.db3, row 2: a message is damaged: it has no time or no data; 1 message is lost")
    assert damage[1].startswith("bag.db3, row 4: a message is damaged: it belongs to no topic; 1 message is lost")
