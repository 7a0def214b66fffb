"""Every interface of the package, exchanged with a second process or serialized."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from exchange import (
    Exchange,
    interface_class,
    interface_names,
    parts_of,
    random_message,
    survives_serialization,
)
from ros_domain import isolated

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("msg", "srv", "action")


def source_names(kind: str) -> list[str]:
    return sorted(path.stem for path in (ROOT / kind).glob(f"*.{kind}"))


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in isolated().items():
            patch.setenv(name, value)
        with Exchange() as running:
            yield running


@pytest.mark.parametrize("kind", KINDS)
def test_every_interface_of_the_checkout_is_installed_and_no_other(kind: str) -> None:
    assert interface_names(kind) == source_names(kind)


@pytest.mark.ros
@pytest.mark.parametrize("name", source_names("msg"))
def test_message_comes_back_unchanged_from_another_process(exchange: Exchange, name: str) -> None:
    rng = random.Random(name)
    sent = [random_message(interface_class("msg", name), rng) for _ in range(5)]
    assert exchange.there_and_back(name, sent) == sent


@pytest.mark.parametrize("kind,name", [(kind, name) for kind in KINDS[1:] for name in source_names(kind)])
def test_parts_of_services_and_actions_survive_serialization(kind: str, name: str) -> None:
    rng = random.Random(name)
    for part in parts_of(kind, name):
        assert survives_serialization(part, rng), part


@pytest.mark.parametrize("name", source_names("msg"))
def test_random_messages_differ_so_that_a_comparison_means_something(name: str) -> None:
    rng = random.Random(1)
    cls = interface_class("msg", name)
    assert random_message(cls, rng) != random_message(cls, rng)
