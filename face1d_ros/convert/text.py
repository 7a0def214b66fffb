"""A message as YAML, like `ros2 topic echo --flow-style` prints it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import yaml


def to_yaml(message: Any, longest: int = 0) -> str:
    """Fields on lines of their own, sequences of numbers and texts on one line.

    `longest` cuts sequences after that many items, with a … in place of the rest; 0 prints all.
    """
    return "\n".join(_lines(message, longest))


def _lines(message: Any, longest: int) -> Iterator[str]:
    for name in message.get_fields_and_field_types():
        value = getattr(message, name)
        if hasattr(value, "get_fields_and_field_types"):
            yield f"{name}:"
            yield from ("  " + line for line in _lines(value, longest))
        elif isinstance(value, (str, bytes)) or not hasattr(value, "__len__"):
            yield f"{name}: {_scalar(value)}"
        elif len(value) and hasattr(value[0], "get_fields_and_field_types"):
            yield f"{name}:"
            for item in value:
                sign = "- "
                for line in _lines(item, longest):
                    yield sign + line
                    sign = "  "
        else:
            yield f"{name}: [{', '.join(_items(value, longest))}]"


def _items(values: Any, longest: int) -> Iterator[str]:
    cut = longest and len(values) > longest
    for value in values[:longest] if cut else values:
        yield _scalar(value)
    if cut:
        yield "…"


def _scalar(value: Any) -> str:
    """Floats with as many digits as single precision holds; the rest as YAML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # In brackets, so that a comma or bracket within a sequence is quoted too.
        return yaml.safe_dump([value], allow_unicode=True, default_flow_style=True, width=math.inf).strip()[1:-1]
    number = value.item() if hasattr(value, "item") else value
    if isinstance(number, float):
        if math.isnan(number):
            return ".nan"
        if math.isinf(number):
            return "-.inf" if number < 0 else ".inf"
        digits, sign, exponent = f"{number:.7g}".partition("e")
        return (digits if "." in digits else f"{digits}.0") + sign + exponent
    return str(number)
