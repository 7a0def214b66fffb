"""The one form of every measurement: what was run, under which conditions, what came out, which target."""

from __future__ import annotations

import json
import math
import operator
import os
import platform
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, TypeAlias

from face1d_ros import __version__
from face1d_ros.errors import Face1dError, InvalidValueError

Row: TypeAlias = Mapping[str, str | int | float | bool | None]

COMPARISONS = {"<=": operator.le, ">=": operator.ge}
VERSIONS_OF = ("numpy", "opencv-contrib-python", "mediapipe", "onnxruntime", "torch", "ros-rclpy")
DISTRIBUTION_BY_RCLPY = {"7": "jazzy", "9": "kilted"}
"""The wheels set no ROS_DISTRO."""


class MeasurementError(Face1dError):
    """A measurement that cannot be written."""

    def __init__(self, path: object, problem: str) -> None:
        super().__init__(f"measurement {path}: {problem}; name a file in a folder that can be written")


@dataclass(frozen=True)
class Target:
    """A measured value and what it should be. A value that is missing or not finite never passes."""

    value: float | None
    target: float
    comparison: str = "<="

    def __post_init__(self) -> None:
        if self.comparison not in COMPARISONS:
            raise InvalidValueError("comparison", self.comparison, f"one of {', '.join(COMPARISONS)}")

    @property
    def passed(self) -> bool:
        """True if the value reaches the target."""
        if self.value is None or not math.isfinite(self.value):
            return False
        return bool(COMPARISONS[self.comparison](self.value, self.target))

    def as_dict(self) -> dict[str, Any]:
        """As it is written."""
        return {"value": self.value, "target": self.target, "pass": self.passed}


@dataclass(frozen=True)
class Measurement:
    """One run of a `bench` or `evaluate` command."""

    command: str
    conditions: Mapping[str, Any]
    rows: Sequence[Row]
    targets: Mapping[str, Target] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """True if every target is reached."""
        return all(target.passed for target in self.targets.values())

    def part(self, name: str) -> list[dict[str, Any]]:
        """The rows of one kind, told by their key `part`, without that key."""
        rows = (row for row in self.rows if row["part"] == name)
        return [{key: value for key, value in row.items() if key != "part"} for row in rows]

    def as_dict(self) -> dict[str, Any]:
        """The form in which every measurement is written: plain JSON values, null for what is not finite."""
        plain: dict[str, Any] = _plain(
            {
                "command": self.command,
                "conditions": self.conditions,
                "rows": self.rows,
                "targets": {key: target.as_dict() for key, target in self.targets.items()},
            }
        )
        return plain

    def write_json(self, path: str | Path) -> None:
        """Write it; the file is complete or absent, never half."""
        write_whole(path, json.dumps(self.as_dict(), indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def write_whole(path: str | Path, text: str) -> None:
    """A file that is complete or absent, never half."""
    path = Path(path)
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(temporary).chmod(0o644)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise MeasurementError(path, str(error.strerror)) from error


def conditions(*, seed: int | None = None, data_sha256: str = "", **others: Any) -> dict[str, Any]:
    """Under what a measurement is made: machine, versions, seed, hash of the data, and what else matters."""
    return {
        "machine": {"cpu": _cpu_model(), "cores": _cores(), "os": _operating_system()},
        "versions": _versions(),
        "seed": seed,
        "data_sha256": data_sha256 or None,
        **others,
    }


def _plain(value: Any) -> Any:
    """Numbers of numpy as Python's, tuples as lists, null for NaN and infinity."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for key in ("model name", "Model"):  # x86-64, and the boards of ARM
        for line in lines:
            if line.split(":")[0].strip() == key:
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _cores() -> int:
    """Those this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _operating_system() -> str:
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        name = platform.system()
    return f"{name}, {platform.system()} {platform.release()}, {platform.machine()}"


def _versions() -> dict[str, str | None]:
    """Installed versions by distribution name; null where it is not installed."""
    found: dict[str, str | None] = {"face1d_ros": __version__, "python": platform.python_version()}
    for name in VERSIONS_OF:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    wheels = DISTRIBUTION_BY_RCLPY.get((found["ros-rclpy"] or "").split(".")[0])
    found["ros_distribution"] = os.environ.get("ROS_DISTRO") or wheels
    return found
