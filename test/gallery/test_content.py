"""Content that is authentic and wrong all the same: it is checked as if anybody had written it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from gallery_cases import Case, unit
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from face1d_ros.gallery.crypto import NotOpenedError, SecretKey
from face1d_ros.gallery.records import (
    HEADER_LIMIT,
    LARGEST_DIMENSION,
    LONGEST_CONSENT,
    LONGEST_NAME,
    MOST_CONSENTS,
    MOST_SUBJECTS,
    MOST_TEMPLATES,
    SUBJECT_LIMIT,
    Consent,
    Entry,
    Header,
    Record,
    Templates,
    header_bytes,
    read_header,
    read_record,
    record_bytes,
)

QUICK = settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)


def altered(value: Any, steps: list[int], new: Any) -> Any:
    """JSON with one part of it exchanged."""
    if isinstance(value, dict) and value and steps:
        key = sorted(value)[steps[0] % len(value)]
        return {**value, key: altered(value[key], steps[1:], new)}
    if isinstance(value, list) and value and steps:
        at = steps[0] % len(value)
        return [*value[:at], altered(value[at], steps[1:], new), *value[at + 1 :]]
    return new


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Header, Entry, Record]:
    case = Case(tmp_path_factory.mktemp("written"))
    (handle,) = case.filled(1)
    state = case.open()._vault.state()
    return state.header, state.header.entries[handle], state.records[handle]


@QUICK
@given(steps=st.lists(st.integers(0, 9), max_size=4), new=JSON)
@example(steps=[], new=[])
@example(steps=[1], new=float("nan"))
def test_authentic_headers_of_wrong_content_are_refused(
    written: tuple[Header, Entry, Record], steps: list[int], new: Any
) -> None:
    header = written[0]
    right = json.loads(header_bytes(header))
    wrong = altered(right, steps, new)
    for content in (json.dumps(wrong).encode(), json.dumps(new).encode(), repr(new).encode("utf-8", "replace")):
        try:
            read = read_header(content, header.gallery)
        except NotOpenedError:
            continue
        assert json.loads(header_bytes(read)) == wrong, "what was read is what was there"


@QUICK
@given(steps=st.lists(st.integers(0, 9), max_size=4), new=JSON, tail=st.binary(max_size=12), cut=st.integers(0, 400))
def test_authentic_records_of_wrong_content_are_refused(
    written: tuple[Header, Entry, Record], steps: list[int], new: Any, tail: bytes, cut: int
) -> None:
    _, entry, record = written
    right = record_bytes(record)
    size = int.from_bytes(right[:4], "big")
    about = json.dumps(altered(json.loads(right[4 : 4 + size]), steps, new)).encode()
    changed = len(about).to_bytes(4, "big") + about + right[4 + size :]
    for content in (changed, changed + tail, right[: len(right) - cut], tail, right[:4] + tail, right + tail):
        try:
            read = read_record(content, entry)
        except NotOpenedError:
            continue
        assert content in (changed, right, right + tail, changed + tail)
        np.testing.assert_allclose(np.linalg.norm(read.motion.vectors, axis=1), 1.0, atol=1e-3)
        assert len(read.motion.made_ns) == entry.templates and read.consents


def test_limits_are_above_the_most_that_is_written(case: Case) -> None:
    latest, name = 2**63 - 1, "ü" * LONGEST_NAME
    entry = Entry("0" * 16, SecretKey.random(), MOST_TEMPLATES, latest, latest, latest, name)
    header = Header.empty(latest)
    header.entries.update({f"{number:016x}": entry for number in range(MOST_SUBJECTS)})
    content = header_bytes(header)
    assert 0.5 * HEADER_LIMIT < len(content) <= HEADER_LIMIT
    assert len(read_header(content, header.gallery).entries) == MOST_SUBJECTS
    templates = Templates(unit(1, MOST_TEMPLATES, LARGEST_DIMENSION), (latest,) * MOST_TEMPLATES, name)
    consents = (Consent("\U0001f600" * LONGEST_CONSENT, latest),) * MOST_CONSENTS
    content = record_bytes(Record(templates, templates, consents))
    assert 0.5 * SUBJECT_LIMIT < len(content) <= SUBJECT_LIMIT
    assert read_record(content, entry).consents == consents
