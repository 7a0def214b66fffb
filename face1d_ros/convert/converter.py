"""Messages from values and back, by one table for each dataclass that is computed once.

A dataclass of `types` and the message of the same name have the same fields; `<name>_ns` stands for the time
`<name>`. What a field's type is called, and how a message is made, differs between rclpy and rosbags: the two files
that use this table say so.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from enum import IntEnum, IntFlag
from typing import Any, get_type_hints

from face1d_ros.convert.fields import BOOLEAN, FLOAT32, TEXT, Codec, Unfit, enumeration, integer, shown
from face1d_ros.convert.rules import RULES
from face1d_ros.errors import ConversionError

_PLAIN: dict[str, Codec] = {
    **dict.fromkeys(("boolean", "bool"), BOOLEAN),
    **dict.fromkeys(("float", "float32"), FLOAT32),
    "string": TEXT,
    **{f"uint{bits}": integer(bits) for bits in (8, 16, 32, 64)},
}
"""By the names of rclpy and of rosbags."""


class Converter:
    """One dataclass and its message."""

    def __init__(
        self,
        kind: type,
        message_class: Callable[..., Any],
        field_types: Mapping[str, Any],
        codec: Callable[[Any, Any, int], Codec],
    ) -> None:
        """`codec` gets a field's type as in `field_types`, the dataclass's type hint, and the columns of an array."""
        self._kind = kind
        self._message_class = message_class
        self._check = RULES.get(kind)
        left = dict(field_types)
        hints = get_type_hints(kind)
        self._fields: list[tuple[str, str, Codec]] = []
        for field in dataclasses.fields(kind):
            name = field.name.removesuffix("_ns")
            made = codec(left.pop(name), hints[field.name], field.metadata.get("columns", 0))
            self._fields.append((field.name, name, made))
        if left:
            raise TypeError(f"{kind.__name__} lacks the message's fields {', '.join(left)}")

    def to_message(self, value: Any) -> Any:
        """From dataclass to message. Raises ConversionError naming the field that does not fit."""
        return self._converted(self.write, value)

    def from_message(self, message: Any) -> Any:
        """From message to dataclass; its arrays are read-only copies. Raises ConversionError as `to_message`."""
        return self._converted(self.read, message)

    def _converted(self, convert: Callable[[Any], Any], given: Any) -> Any:
        try:
            return convert(given)
        except Unfit as problem:
            problem.within(self._kind.__name__)
            raise ConversionError(problem.path, problem.came, problem.expected) from None

    def write(self, value: Any) -> Any:
        """As `to_message`, within another message: raises Unfit."""
        if type(value) is not self._kind:
            raise Unfit(shown(value), f"a {self._kind.__name__}")
        values: dict[str, Any] = {}
        name = ""
        try:
            for name, ros_name, codec in self._fields:
                values[ros_name] = codec.write(getattr(value, name))
        except Unfit as problem:
            raise problem.within(name) from None
        if self._check:
            self._check(value)
        return self._message_class(**values)

    def read(self, message: Any) -> Any:
        """As `from_message`, within another message: raises Unfit."""
        values: dict[str, Any] = {}
        ros_name = ""
        try:
            for name, ros_name, codec in self._fields:
                values[name] = codec.read(getattr(message, ros_name))
        except Unfit as problem:
            raise problem.within(ros_name) from None
        value = self._kind(**values)
        if self._check:
            self._check(value)
        return value


def plain(name: str, hint: Any) -> Codec:
    """The codec of a single value that is no message: `name` as the message calls its type."""
    if isinstance(hint, type) and issubclass(hint, (IntEnum, IntFlag)):
        return enumeration(hint)
    return _PLAIN[name]
