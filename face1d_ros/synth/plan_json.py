"""Plans as canonical JSON: the one text of all parameters that a hash is taken of.

A plan is a frozen dataclass of int, float, str, bool, None and tuples of such, nested at will.
"""

from __future__ import annotations

import hashlib
import json
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union

from face1d_ros.errors import CorpusError

Plan = TypeVar("Plan")
PLAIN = frozenset({str, int, float, bool, type(None)})


def plan_json(plan: Any) -> str:
    """Canonical: keys sorted, no spaces, floats in the shortest form that reads back the same."""
    return json.dumps(_plain(plan), sort_keys=True, separators=(",", ":"), allow_nan=False)


def plan_sha256(plan: Any) -> str:
    """Hex digest of a plan's canonical JSON."""
    return text_sha256(plan_json(plan))


def text_sha256(text: str) -> str:
    """Hex digest of what `plan_json` gave."""
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def joint_sha256(digests: Iterable[str]) -> str:
    """Hex digest over many plans' digests, in their order."""
    return hashlib.sha256("\n".join(digests).encode("ascii")).hexdigest()


def read_plan(kind: type[Plan], text: str) -> Plan:
    """The plan that `plan_json` wrote."""
    try:
        return typing.cast(Plan, _typed(kind, json.loads(text)))
    except (KeyError, TypeError, ValueError) as error:
        raise CorpusError(
            f"plan: {str(error)!r} while reading a {kind.__name__}; it was written by another version: make it again"
        ) from error


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind is tuple:
        return [item if type(item) in PLAIN else _plain(item) for item in value]
    if is_dataclass(kind):
        items = ((name, getattr(value, name)) for name in _names(kind))
        return {name: item if type(item) in PLAIN else _plain(item) for name, item in items}
    raise TypeError(f"a plan holds {type(value).__name__}, which has no place in it")


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _typed(kind: Any, value: Any) -> Any:
    """JSON's value as the annotated type."""
    if is_dataclass(kind):
        return _dataclass(kind, value)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        return _tuple(arguments, value)
    if origin in (Union, types.UnionType):
        return _union(arguments, value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def _dataclass(kind: Any, value: Mapping[str, Any]) -> Any:
    hints, names = _hints(kind), _names(kind)
    if set(value) != set(names):
        raise KeyError(f"{kind.__name__} has {', '.join(names)}; got {', '.join(value)}")
    return kind(**{name: _typed(hints[name], value[name]) for name in names})


def _tuple(arguments: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(_typed(arguments[0], item) for item in value)
    return tuple(_typed(kind, item) for kind, item in zip(arguments, value, strict=True))


def _union(arguments: tuple[Any, ...], value: Any) -> Any:
    """None, or the first dataclass or tuple that fits, or the value as it is."""
    if value is None:
        return None
    for kind in arguments:
        fits_class = (
            is_dataclass(kind) and isinstance(value, dict) and set(value) == set(_names(typing.cast(type, kind)))
        )
        if fits_class or (typing.get_origin(kind) is tuple and isinstance(value, list)):
            return _typed(kind, value)
    numbers_are_floats = float in arguments and int not in arguments
    return float(value) if numbers_are_floats and isinstance(value, int) else value
