"""Records over a pipe: all that were written whole, whatever their bytes."""

from __future__ import annotations

import io

import pytest

from face1d_ros.errors import ConversionError
from face1d_ros.replay.publishing import LARGEST_BYTES, LENGTHS, read_records, write_record

RECORDS = [("face1d/landmarks_raw", bytes(range(256)) * 40), ("a", b""), ("b", b"\n\0")]


def written() -> bytes:
    stream = io.BytesIO()
    for topic, data in RECORDS:
        write_record(stream, topic, data)
    return stream.getvalue()


def test_records_come_back() -> None:
    assert list(read_records(io.BytesIO(written()))) == RECORDS


@pytest.mark.parametrize("lost_bytes", [1, 2, 10])
def test_a_record_that_is_cut_off_ends_it(lost_bytes: int) -> None:
    assert list(read_records(io.BytesIO(written()[:-lost_bytes]))) == RECORDS[:2]


def test_what_is_no_record_is_refused() -> None:
    with pytest.raises(ConversionError, match="record: got a length of"):
        list(read_records(io.BytesIO(LENGTHS.pack(3, LARGEST_BYTES + 1))))
