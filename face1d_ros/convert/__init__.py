"""ROS messages to the package's own types and back.

The names are loaded at first use: `convert.pixels` and `convert.compressed` stay usable where ROS 2 is
missing, and everything else then says what to install.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from face1d_ros.errors import MissingDependencyError

if TYPE_CHECKING:
    from face1d_ros.convert.images import (
        compressed_to_frame,
        frame_to_compressed,
        frame_to_image,
        image_to_frame,
    )
    from face1d_ros.convert.interfaces import new_message
    from face1d_ros.convert.messages import from_message, to_message
    from face1d_ros.convert.text import to_yaml

_MODULES = {
    "compressed_to_frame": "images",
    "frame_to_compressed": "images",
    "frame_to_image": "images",
    "image_to_frame": "images",
    "new_message": "interfaces",
    "from_message": "messages",
    "to_message": "messages",
    "to_yaml": "text",
}
_OF_ROS = {"rclpy", "rosidl_parser", "builtin_interfaces", "std_msgs", "geometry_msgs", "sensor_msgs"}
_GENERATED = ("face1d_ros.msg", "face1d_ros.srv", "face1d_ros.action")

__all__ = [
    "compressed_to_frame",
    "frame_to_compressed",
    "frame_to_image",
    "from_message",
    "image_to_frame",
    "new_message",
    "to_message",
    "to_yaml",
]


def __getattr__(name: str) -> Any:
    """Load what is asked for (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = importlib.import_module(f"{__name__}.{_MODULES[name]}")
    except ImportError as error:
        raise _missing(error) from error
    value = globals()[name] = getattr(module, name)
    return value


def _missing(error: ImportError) -> Exception:
    """What to install; an import error of another kind stays as it is."""
    name = error.name or ""
    if name.split(".")[0] in _OF_ROS:
        how = "source /opt/ros/<distribution>/setup.bash, or run `make setup` to get ROS 2 from wheels"
        return MissingDependencyError(f"ROS 2 ({name})", "converting messages", how)
    if name in _GENERATED:
        how = "build them: run `make setup`, `pip install .` or `colcon build`, and source what colcon made"
        return MissingDependencyError("the generated interfaces of face1d_ros", "converting messages", how)
    return error
