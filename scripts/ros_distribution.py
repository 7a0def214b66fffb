"""Which ROS 2 this package is built for and runs on: a native one that is sourced, or wheels.

Used by the setup script, the build backend and `setup.py`, before anything is installed: standard library
only. The setup script starts on Python 3.6, to say that it is too old, so this file keeps to that.
"""

import os
import sys
from pathlib import Path
from typing import Dict, List, Mapping, NamedTuple, Optional

ROOT = Path(__file__).resolve().parent.parent
WHEEL_DISTRIBUTIONS = ("jazzy", "kilted")


class RosDistribution(NamedTuple):
    """A ROS 2 to build for. `prefix` is where a native one is installed, None where it comes from wheels."""

    name: str
    prefix: Optional[Path]

    @property
    def is_native(self) -> bool:
        """True where a sourced ROS 2 is used and no wheel of ROS 2 may be installed."""
        return self.prefix is not None

    def run_requirements(self) -> List[str]:
        """What pip must install to run the package."""
        return read_requirements("run") + ([] if self.is_native else read_requirements("ros-" + self.name))

    def build_requirements(self) -> List[str]:
        """What pip must install to build the package in an environment of its own."""
        if self.is_native:
            return read_requirements("build") + read_requirements("build-native")
        return read_requirements("build") + read_requirements("build-wheels") + read_requirements("build-" + self.name)


def find_ros(environment: Mapping[str, str]) -> RosDistribution:
    """The native ROS 2 named by AMENT_PREFIX_PATH, or else wheels of FACE1D_ROS_DISTRO (default: jazzy)."""
    for entry in environment.get("AMENT_PREFIX_PATH", "").split(os.pathsep):
        prefix = Path(entry)
        if entry and (prefix / "share" / "rclpy").is_dir() and not (prefix / "pyvenv.cfg").exists():
            return RosDistribution(environment.get("ROS_DISTRO") or prefix.name, prefix)
    name = environment.get("FACE1D_ROS_DISTRO") or WHEEL_DISTRIBUTIONS[0]
    if name not in WHEEL_DISTRIBUTIONS:
        raise ValueError(
            "FACE1D_ROS_DISTRO is '{}', but wheels exist for {} only. Set one of these, or source a native "
            "ROS 2 of that distribution.".format(name, " and ".join(WHEEL_DISTRIBUTIONS))
        )
    return RosDistribution(name, None)


def read_requirements(name: str) -> List[str]:
    """The requirement lines of requirements/<name>.txt, without comments."""
    lines = (ROOT / "requirements" / (name + ".txt")).read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def cmake_environment(ros: RosDistribution, environment: Mapping[str, str]) -> Dict[str, str]:
    """The variables under which CMake finds the packages, programs and Python modules of `ros`.

    An isolated build hides PYTHONPATH, and a build from wheels has no setup file to source.
    """
    modules = [Path(entry) for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")]
    if ros.is_native:
        prefixes = [Path(entry) for entry in environment["AMENT_PREFIX_PATH"].split(os.pathsep) if entry]
        modules = [path for prefix in prefixes for path in python_folders(prefix)] + modules
    else:
        prefixes = [wheel_prefix()]
    result = dict(environment)
    result["AMENT_PREFIX_PATH"] = os.pathsep.join(map(str, prefixes))
    result["CMAKE_PREFIX_PATH"] = os.pathsep.join(map(str, prefixes))
    result["PYTHONPATH"] = os.pathsep.join(map(str, modules))
    result["_ROS_WHEELS_BOOTSTRAP_COMPLETE"] = "1"  # the generators load no library: no second start of Python
    return result


def wheel_prefix() -> Path:
    """Where pip unpacked the wheels of ROS 2: the environment itself, or pip's build environment."""
    for entry in sys.path:
        for prefix in Path(entry).parents:
            if (prefix / "share" / "rosidl_default_generators").is_dir():
                return prefix
    raise FileNotFoundError(
        "No ROS 2 to build with: none is sourced (AMENT_PREFIX_PATH has no prefix with share/rclpy), and the "
        "wheels in requirements/build-*.txt are not installed in {}. Run `make setup`, or build without "
        "--no-build-isolation.".format(sys.prefix)
    )


def python_folders(prefix: Path) -> List[Path]:
    """The folders under an ament prefix in which this Python finds modules (Debian's layout included)."""
    version = "python{}.{}".format(*sys.version_info[:2])
    candidates = [
        prefix / folder / version / packages
        for folder in ("lib", "local/lib")
        for packages in ("site-packages", "dist-packages")
    ]
    return [path for path in candidates if path.is_dir()]
