"""Settings of filters: frozen dataclasses of numbers, each with its range."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from face1d_ros.errors import InvalidValueError


@dataclass(frozen=True)
class FilterSettings:
    """Numbers made by `setting`, checked when they are given."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value, (low, high) = getattr(self, field.name), field.metadata["between"]
            whole = isinstance(field.default, int)
            right_type = type(value) is int or (type(value) is float and not whole and math.isfinite(value))
            if not right_type or not low <= value <= high:
                kind = "a whole number" if whole else "a number"
                raise InvalidValueError(field.name, value, f"{kind} from {low:g} to {high:g}")


def setting(default: float, low: float, high: float) -> Any:
    """A field of `FilterSettings`; a default that is an int takes whole numbers alone."""
    return dataclasses.field(default=default, metadata={"between": (low, high)})
