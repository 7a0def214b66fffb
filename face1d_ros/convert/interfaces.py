"""Messages by name, for code that may not import the generated classes itself."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from face1d_ros.errors import ConversionError


def new_message(name: str, values: Mapping[str, Any] | None = None) -> Any:
    """A message such as `face1d_ros/msg/Subject`, or a part such as `face1d_ros/srv/ListSubjects.Request`."""
    package, kind, path = name.split("/")
    found: Any = importlib.import_module(f"{package}.{kind}")
    for part in path.split("."):
        found = getattr(found, part, None)
        if found is None:
            raise ConversionError("interface", name, "the name of an installed interface")
    message = found()
    for field, value in (values or {}).items():
        if field not in message.get_fields_and_field_types():
            known = ", ".join(message.get_fields_and_field_types())
            raise ConversionError(f"{name}.{field}", "an unknown field", f"one of {known}")
        setattr(message, field, value)
    return message
