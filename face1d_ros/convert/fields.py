"""How one field goes into a message and comes back: checked and exact, nothing cast away silently."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Any

import numpy as np

_FLOAT32 = struct.Struct("=f")  # native "f" would turn what is too large into infinity
NS_PER_S = 1_000_000_000
SHOWN_CHARACTERS = 60


class Unfit(Exception):  # noqa: N818  a signal of this room, turned into a ConversionError at its border
    """A value that does not fit its field. The path to it grows on the way out."""

    def __init__(self, came: object, expected: str, path: str = "") -> None:
        super().__init__(path, came, expected)
        self.came = came
        self.expected = expected
        self.path = path

    def within(self, part: str) -> Unfit:
        """The same, seen from one level further out."""
        self.path = part + ("." if self.path and not self.path.startswith("[") else "") + self.path
        return self


@dataclass(frozen=True)
class Codec:
    """The two ways of one field; both raise Unfit."""

    write: Callable[[Any], Any]
    """From our value to the message's."""
    read: Callable[[Any], Any]
    """From the message's value to ours."""


def shown(value: object) -> str:
    """A value for an error message, never long."""
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} with shape {value.shape}"
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}… ({type(value).__name__})"


def integer(bits: int, *, signed: bool = False) -> Codec:
    """A whole number of this many bits."""
    low = -(1 << bits - 1) if signed else 0
    high = (1 << bits - signed) - 1

    def check(value: Any) -> int:
        if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
            number = int(value)
            if low <= number <= high:
                return number
        raise Unfit(shown(value), f"a whole number from {low} to {high}")

    return Codec(check, check)


def _boolean(value: Any) -> bool:
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    raise Unfit(shown(value), "True or False")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Unfit(shown(value), "text")
    if "\0" in value:
        raise Unfit(shown(value), "text without NUL characters, which would end it on the wire")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Unfit(shown(value), "text that UTF-8 can hold") from None
    return value


def _float32(value: Any) -> float:
    """Rounded to single precision here, so that every way through the graph sees the same number."""
    if isinstance(value, (float, int, np.floating, np.integer)) and not isinstance(value, bool):
        try:
            return float(_FLOAT32.unpack(_FLOAT32.pack(value))[0])
        except OverflowError:
            pass
    raise Unfit(shown(value), "a number that single precision can hold")


BOOLEAN = Codec(_boolean, _boolean)
TEXT = Codec(_text, _text)
FLOAT32 = Codec(_float32, _float32)


def float_array(columns: int = 0, length: int = 0) -> Codec:
    """Single precision values: (N,) or, with columns, (N, columns); with a length, exactly that many.

    Reading copies, and marks the copy read-only: that costs 0.2 µs for 478 points, and neither a message that
    is used again nor a stage that works in place can then change what another stage sees.
    """
    dimensions = 2 if columns else 1
    shape = f"({length or 'N'}, {columns})" if columns else f"({length or 'N'},)"
    expected = f"an array of float32 with shape {shape}"

    def fits(value: Any) -> bool:
        return (
            isinstance(value, np.ndarray)
            and value.dtype == np.float32
            and value.ndim == dimensions
            and (not columns or value.shape[1] == columns)
            and (not length or value.shape[0] == length)
        )

    def write(value: Any) -> Any:
        if not fits(value):
            raise Unfit(shown(value), expected)
        return value.copy() if length else array("f", value.tobytes())

    def read(value: Any) -> Any:
        if not (isinstance(value, array) and value.typecode == "f") and not (
            isinstance(value, np.ndarray) and value.dtype == np.float32
        ):
            raise Unfit(shown(value), "single precision values")
        if columns and len(value) % columns:
            raise Unfit(f"{len(value)} values", f"a multiple of {columns}")
        if length and len(value) != length:
            raise Unfit(f"{len(value)} values", f"{length} values")
        values = np.array(value, np.float32)
        if columns:
            values = values.reshape(-1, columns)
        values.setflags(write=False)
        return values

    return Codec(write, read)


def enumeration(kind: type[IntEnum] | type[IntFlag]) -> Codec:
    """One of the members, or of a flag's combinations of members."""
    values = {int(member) for member in kind}
    if issubclass(kind, IntFlag):
        everything = sum(value for value in values if value)
        values = {value for value in range(everything + 1) if value & ~everything == 0}
    members = {value: kind(value) for value in values}
    names = ", ".join(f"{member.value} ({member.name})" for member in kind)
    expected = f"{'bits of' if issubclass(kind, IntFlag) else 'one of'} {names}"

    def read(value: Any) -> Any:
        member = None
        if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
            member = members.get(int(value))
        if member is None:
            raise Unfit(shown(value), expected)
        return member

    return Codec(lambda value: int(read(value)), read)


def sequence(item: Codec) -> Codec:
    """A tuple of items."""

    def write(values: Any) -> list[Any]:
        if not isinstance(values, (tuple, list)):
            raise Unfit(shown(values), "a tuple")
        return _each(item.write, values)

    def read(values: Any) -> tuple[Any, ...]:
        return tuple(_each(item.read, values))

    return Codec(write, read)


def _each(convert: Callable[[Any], Any], values: Any) -> list[Any]:
    converted: list[Any] = []
    try:
        for value in values:
            converted.append(convert(value))
    except Unfit as problem:
        raise problem.within(f"[{len(converted)}]") from None
    return converted


def time(message_class: Any) -> Codec:
    """Whole nanoseconds; `message_class` is builtin_interfaces/Time, whose seconds are an int32."""
    seconds, nanoseconds = integer(32, signed=True), integer(32)

    def write(value: Any) -> Any:
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
            raise Unfit(shown(value), "whole nanoseconds")
        sec, nanosec = divmod(int(value), NS_PER_S)
        message = message_class()
        try:
            message.sec = seconds.write(sec)
        except Unfit:
            raise Unfit(f"{value} ns", "nanoseconds from 1901 to 2038") from None
        message.nanosec = nanosec
        return message

    def read(message: Any) -> int:
        nanosec = nanoseconds.read(message.nanosec)
        if nanosec >= NS_PER_S:
            raise Unfit(f"{nanosec}", "less than 1000000000", "nanosec")
        return int(seconds.read(message.sec)) * NS_PER_S + int(nanosec)

    return Codec(write, read)


def coordinates(message_class: Any, names: str) -> Codec:
    """Double precision values, as a message with a field for each, such as Point or Quaternion."""

    def write(value: Any) -> Any:
        if not isinstance(value, np.ndarray) or value.dtype != np.float64 or value.shape != (len(names),):
            raise Unfit(shown(value), f"an array of float64 with shape ({len(names)},)")
        message = message_class()
        for name, number in zip(names, value.tolist(), strict=True):
            setattr(message, name, number)
        return message

    def read(message: Any) -> Any:
        numbers = [getattr(message, name) for name in names]
        if not all(isinstance(number, float) for number in numbers):
            raise Unfit(shown(numbers), "numbers")
        values = np.array(numbers)
        values.setflags(write=False)
        return values

    return Codec(write, read)
