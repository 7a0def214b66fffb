"""Message types by name: their classes, and their definitions as a bag carries them."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from face1d_ros.errors import MissingDependencyError
from face1d_ros.paths import prefix_dir


def message_class(type_name: str) -> type:
    """`FaceLandmarksArray` for 'face1d_ros/msg/FaceLandmarksArray'."""
    package, kind, name = type_name.split("/")
    try:
        found: type = getattr(importlib.import_module(f"{package}.{kind}"), name)
    except (ImportError, AttributeError) as error:
        raise _missing(type_name, package) from error
    return found


class Definitions:
    """Definitions of message types and all they are made of, read from the installed packages' .msg files.

    So they are right for whichever ROS 2 is installed, and a bag can be read where these packages are not.
    """

    def __init__(self) -> None:
        self._store = get_typestore(Stores.EMPTY)

    def of(self, type_name: str) -> tuple[str, str]:
        """(definition text, RIHS01 hash)."""
        self._add(type_name)
        text, _ = self._store.generate_msgdef(type_name, ros_version=2)
        return text, self._store.hash_rihs01(type_name)

    def _add(self, type_name: str) -> None:
        if type_name in self._store.fielddefs:
            return
        parsed = get_types_from_msg(definition_file(type_name).read_text(encoding="utf-8"), type_name)
        for part in _types_within(parsed[type_name]):
            if part != type_name:
                self._add(part)
        self._store.register(parsed)


def _types_within(definition: object) -> set[str]:
    """Names of message types in a nested field definition of rosbags."""
    if isinstance(definition, str):
        return {definition} if definition.count("/") == 2 else set()
    if isinstance(definition, (tuple, list)):
        return set().union(*map(_types_within, definition))
    return set()


def definition_file(type_name: str) -> Path:
    """The installed .msg file of a type."""
    package, kind, name = type_name.split("/")
    for prefix in _prefixes():
        path = prefix / "share" / package / kind / f"{name}.msg"
        if path.is_file():
            return path
    raise _missing(type_name, package)


def _prefixes() -> list[Path]:
    """Where ROS packages are: what is sourced, our own prefix, and the environment that ROS 2's wheels are in."""
    sourced = [Path(entry) for entry in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if entry]
    return [*sourced, prefix_dir(), Path(sys.prefix)]


def _missing(type_name: str, package: str) -> MissingDependencyError:
    return MissingDependencyError(
        f"the message type {type_name}", "recording it", f"install and source the package {package}"
    )
