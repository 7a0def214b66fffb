"""Paths that users write, where the files of this package are, and what a child process needs to find ROS 2."""

import os
import sys
import sysconfig
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from face1d_ros.errors import MissingDependencyError, PathError

PACKAGE = "face1d_ros"
FAST_DDS_2, FAST_DDS_3 = "FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE"  # up to Jazzy; later
_HERE = Path(__file__).absolute()  # unresolved: a link of `colcon build --symlink-install` stays in its prefix


def user_path(path: str | Path) -> Path:
    """The path with its `~` resolved. Raises PathError where nobody has that name."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        home = Path(path).parts[0]
        raise PathError(printable(path), f"nobody here is called {home[1:]!r}; write the folder in full") from error


def utf8_path(path: str | Path) -> str:
    """The path for libraries that take UTF-8 alone (OpenCV dies of anything else). Raises PathError."""
    try:
        return os.fsencode(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise PathError(printable(path), "its name holds bytes that are no UTF-8; rename it") from error
    except UnicodeEncodeError as error:
        raise PathError(printable(path), "this locale cannot name it; set LC_ALL=C.UTF-8") from error


def printable(text: object) -> str:
    """Text of the system as any terminal and log takes it: bytes that are no UTF-8 are written as their codes."""
    try:
        return str(text).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:
        return ascii(str(text))


@lru_cache(maxsize=1)
def share_dir() -> Path:
    """The folder of launch/, config/, models/: share/face1d_ros of the prefix, or the checkout."""
    checkout = _HERE.parents[1]
    for candidate in (checkout, *(folder / "share" / PACKAGE for folder in _HERE.parents)):
        if (candidate / "package.xml").is_file():
            return candidate
    raise MissingDependencyError(
        f"share/{PACKAGE} (package.xml, launch, config, models)",
        f"the package in {_HERE.parent}",
        "the installation is incomplete: run `make setup`, `pip install .` or `colcon build` again",
    )


@lru_cache(maxsize=1)
def prefix_dir() -> Path:
    """The prefix this package is installed in, or that of the Python that runs it from a checkout."""
    share = share_dir()
    return share.parent.parent if share.parent.name == "share" else Path(sys.prefix)


def node_executable(node: str) -> Path:
    """The installed executable of a node, e.g. `smoothing_node`, in our own or a sourced prefix."""
    sourced = [Path(entry) for entry in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if entry]
    for prefix in [prefix_dir(), *sourced]:
        path = prefix / "lib" / PACKAGE / node
        if path.is_file():
            return path
    raise MissingDependencyError(
        f"the executable lib/{PACKAGE}/{node} of {prefix_dir()}",
        "starting this node",
        "build and install the package: run `make setup` or `colcon build`, and source what colcon made",
    )


def ros_environment(base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """`base`, with what a child process needs to find ROS 2 where it comes from wheels.

    A native ROS 2 has set these variables when it was sourced; only our own prefix may be missing then.
    """
    environment = dict(base)
    prefix = prefix_dir()
    libraries = [prefix / "lib"]
    if _ros_is_from_wheels():
        environment_prefix = Path(sys.prefix)
        libraries += [environment_prefix / "lib", *sorted(_site_packages().glob("ros_*.libs"))]
        _prepend(environment, "AMENT_PREFIX_PATH", [environment_prefix])
        # The wheels start Python a second time to set LD_LIBRARY_PATH, unless told that it is complete.
        environment["_ROS_WHEELS_BOOTSTRAP_COMPLETE"] = "1"
    _prepend(environment, "LD_LIBRARY_PATH", libraries)
    _prepend(environment, "AMENT_PREFIX_PATH", [prefix])
    return environment


def _ros_is_from_wheels() -> bool:
    return (_site_packages() / "ros_wheels_bootstrapper").is_dir()


def _site_packages() -> Path:
    return Path(sysconfig.get_path("platlib"))


def _prepend(environment: dict[str, str], variable: str, folders: list[Path]) -> None:
    """Put folders in front of a search path, each once, in the order given."""
    present = [entry for entry in environment.get(variable, "").split(os.pathsep) if entry]
    wanted = list(dict.fromkeys(str(folder) for folder in folders))
    environment[variable] = os.pathsep.join(wanted + [entry for entry in present if entry not in wanted])


def dds_profile_environment(base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Variables that give Fast DDS our profile; none where the user has set a profile already."""
    if base.get(FAST_DDS_2) or base.get(FAST_DDS_3):
        return {}
    prefixes = [Path(sys.prefix), *map(Path, filter(None, base.get("AMENT_PREFIX_PATH", "").split(os.pathsep)))]
    is_2 = any(next((prefix / "lib").glob("libfastrtps.so*"), None) for prefix in prefixes)
    return {FAST_DDS_2 if is_2 else FAST_DDS_3: str(share_dir() / "config" / "fastdds.xml")}
