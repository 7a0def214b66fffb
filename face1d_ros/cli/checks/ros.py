"""ROS 2: where it comes from, its middleware, and our own interfaces."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from face1d_ros.cli.checks.check import Check, Level, ProbeFailure, probe

REINSTALL = "run `make setup` in the checkout, `pip install .`, or `colcon build`, and source what colcon made"
TESTED = ("jazzy", "kilted")


def distribution() -> Iterator[Check]:
    """Which ROS 2, native or from wheels; both at once is a trap worth its own line."""
    answer = probe(
        "import json, os, rclpy;"
        "print(json.dumps({'rclpy': rclpy.__file__, 'distro': os.environ.get('ROS_DISTRO', '')}))"
    )
    if isinstance(answer, ProbeFailure):
        advice = "source /opt/ros/<distribution>/setup.bash, or run `make setup` to get ROS 2 from wheels"
        yield Check("ROS 2", Level.PROBLEM, f"rclpy does not load: {answer.reason}", advice)
        return
    from_wheels = Path(answer["rclpy"]).is_relative_to(sys.prefix)
    distro = answer["distro"] or _distribution_of_wheels()
    found = f"{distro or 'unknown distribution'}, {'from wheels' if from_wheels else 'native'}"
    level = Level.OK if distro in TESTED else Level.WARNING
    advice = "" if level is Level.OK else f"tested with {' and '.join(TESTED)} only"
    yield Check(
        "ROS 2",
        level,
        found,
        advice,
        {"distribution": distro, "native": not from_wheels, "rclpy": answer["rclpy"]},
    )
    wheels = list(Path(sys.prefix).glob("lib/python3*/site-packages/ros_wheels_bootstrapper"))
    if wheels and not from_wheels:
        advice = "run `make setup` with the native ROS 2 sourced: it makes an environment without wheels"
        yield Check("ROS 2 twice", Level.WARNING, "a native ROS 2 and wheels in one environment", advice)


def middleware() -> Check:
    """The RMW implementation, and settings that keep nodes from finding each other."""
    answer = probe("import json, rclpy; print(json.dumps(rclpy.get_rmw_implementation_identifier()))")
    if isinstance(answer, ProbeFailure):
        advice = "unset RMW_IMPLEMENTATION, or install what it names"
        return Check("RMW", Level.PROBLEM, f"does not load: {answer.reason}", advice)
    variables = ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE", "ROS_LOCALHOST_ONLY")
    settings = {name: os.environ[name] for name in variables if os.environ.get(name)}
    found = ", ".join([answer, *(f"{name}={value}" for name, value in settings.items())])
    return Check("RMW", Level.OK, found, details={"rmw": answer, **settings})


def interfaces() -> Check:
    """Our own messages, with their type support."""
    answer = probe(
        "import json, face1d_ros.msg as m; from rclpy.serialization import serialize_message as s;"
        "s(m.FaceLandmarksArray()); print(json.dumps([n for n in dir(m) if n[0].isupper()]))"
    )
    if isinstance(answer, ProbeFailure):
        return Check("Interfaces", Level.PROBLEM, f"face1d_ros.msg does not load: {answer.reason}", REINSTALL)
    return Check("Interfaces", Level.OK, f"{len(answer)} messages of face1d_ros", details=answer)


def _distribution_of_wheels() -> str:
    """Wheels set no ROS_DISTRO: rclpy's major version tells the distribution."""
    answer = probe("import json; from importlib.metadata import version as v; print(json.dumps(v('ros-rclpy')))")
    if isinstance(answer, ProbeFailure):
        return ""
    return {"7": "jazzy", "9": "kilted"}.get(answer.split(".")[0], "")
