"""The processes of the graph as children of this one: their commands and their environment."""

from __future__ import annotations

import os
import sys

from face1d_ros.cli.supervisor import Child
from face1d_ros.paths import dds_profile_environment, ros_environment, utf8_path
from face1d_ros.start import Start


def graph_environment() -> dict[str, str]:
    """The environment of every node.

    ROS 2, our Fast DDS profile unless there is one, lines that come at once, and names of files in UTF-8 in any
    locale, as ROS parameters have them.
    """
    environment = ros_environment(os.environ)
    environment |= dds_profile_environment(environment)
    environment["PYTHONUNBUFFERED"] = environment["PYTHONUTF8"] = "1"
    environment.setdefault("RCUTILS_COLORIZED_OUTPUT", "0")
    return environment


def child(start: Start, *, restart: bool = True) -> Child:
    """A planned node as a child process, run by this Python. Raises PathError for what ROS parameters cannot hold."""
    for value in start.parameters.values():
        if isinstance(value, str):
            utf8_path(value)
    command = (sys.executable, "-m", start.node.module, *start.ros_arguments())
    return Child(start.node.name, command, graph_environment(), restart)
