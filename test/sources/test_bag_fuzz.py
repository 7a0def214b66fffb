"""Whatever bytes of a bag are changed: images or a typed error, soon and in little memory."""

from __future__ import annotations

import random
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from sources.bags import START_NS, STEP_NS, STORAGES, noise, record, recording_of, text

from face1d_ros.errors import SourceBrokenOffError, SourceUnreadableError
from face1d_ros.sources.bag import BagTopic
from face1d_ros.sources.bag_messages import recorded

COUNT = 24
ROUNDS = 6
LONGEST_S = 5.0
MOST_BYTES = 100_000_000


def cut(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(1, len(data)) :]


def flip(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice([1, 10, 100, 1000])):
        data[rng.randrange(len(data))] = rng.randrange(256)


def blank(data: bytearray, rng: random.Random) -> None:
    begin = rng.randrange(len(data))
    end = min(len(data), begin + rng.choice([8, 512, 4096, 50_000]))
    data[begin:end] = bytes([rng.choice([0, 255])]) * (end - begin)


def drop(data: bytearray, rng: random.Random) -> None:
    begin = rng.randrange(1, len(data))
    del data[begin : begin + rng.choice([1, 100, 10_000])]


def double(data: bytearray, rng: random.Random) -> None:
    begin = rng.randrange(len(data))
    data[begin:begin] = data[begin : begin + rng.choice([1, 100, 10_000])]


def enlarge(data: bytearray, rng: random.Random) -> None:
    """What may be a length becomes huge."""
    for _ in range(rng.choice([1, 20])):
        at = rng.randrange(max(1, len(data) - 8))
        data[at : at + 8] = rng.choice([2**60, 2**31, 2**63, 2**64 - 1]).to_bytes(8, rng.choice(["big", "little"]))


DAMAGES: list[Callable[[bytearray, random.Random], None]] = [cut, flip, blank, drop, double, enlarge]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("storage", STORAGES)
def test_damaged_bags_give_images_or_a_typed_error(tmp_path: Path, storage: str, damage: Callable) -> None:
    bag = record(tmp_path / "bag", {"/image": noise(COUNT), "/text": [text("a"), text("b")]}, *STORAGES[storage])
    file = recording_of(bag)
    whole = file.read_bytes()
    rng = random.Random(f"{storage} {damage.__name__}")
    outcomes: Counter[str] = Counter()
    for _ in range(ROUNDS):
        data = bytearray(whole)
        damage(data, rng)
        file.write_bytes(bytes(data))
        frames = 0
        began_s = time.monotonic()
        try:
            with BagTopic(rng.choice([bag, file])) as source:
                for frame in source.frames():
                    frames += 1
                    assert frame.image.shape == (source.height, source.width, 3)
            outcomes["whole"] += 1
        except SourceBrokenOffError:
            assert source.damage
            outcomes["broken off"] += 1
        except SourceUnreadableError:
            outcomes["refused"] += 1
        assert frames <= 2 * COUNT, "what lies there twice may be read twice"
        assert time.monotonic() - began_s < LONGEST_S
    assert outcomes.total() == ROUNDS


@pytest.mark.parametrize("storage", STORAGES)
def test_no_length_claims_memory(tmp_path: Path, storage: str) -> None:
    bag = record(tmp_path / "bag", {"/image": noise(COUNT)}, *STORAGES[storage])
    file = recording_of(bag)
    whole = file.read_bytes()
    rng = random.Random(3)
    tracemalloc.start()
    try:
        for _ in range(4):
            data = bytearray(whole)
            enlarge(data, rng)
            file.write_bytes(bytes(data))
            try:
                assert all(each.stamp_ns - START_NS <= 2**64 + STEP_NS for each in recorded(bag, None, []))
            except SourceUnreadableError:
                continue
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()
