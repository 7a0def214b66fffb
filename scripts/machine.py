"""What this machine has, and what it lacks, to build and run the package.

Standard library only; starts on Python 3.6.
"""

import ctypes
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path
from typing import Iterable, List, Mapping, NamedTuple, Optional, Tuple

from ros_distribution import RosDistribution

Version = Tuple[int, ...]

OLDEST_PYTHON = (3, 10)
NEWEST_PYTHON = (3, 12)  # MediaPipe has no wheel with models for later ones
PYTHON_NAMES = ("python3", "python3.12", "python3.11", "python3.10")
FRESH_DISK_GB = 3.0  # the environment, pip's cache and its temporary files
UPDATE_DISK_GB = 0.5

# What OpenCV and MediaPipe load that no wheel carries, with the Debian/Ubuntu package that brings it.
SYSTEM_LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libstdc++.so.6": "libstdc++6",
}


class Missing(NamedTuple):
    """One thing that is missing, and what to do about it."""

    what: str
    remedy: str


class Python(NamedTuple):
    """A Python interpreter found on this machine."""

    command: str
    executable: str
    version: Version

    @property
    def short_version(self) -> str:
        """For example 3.11."""
        return "{}.{}".format(*self.version[:2])


class MachineNotReadyError(Exception):
    """Something is missing that the setup cannot install by itself."""

    def __init__(self, missing: Iterable[Missing]) -> None:
        self.missing = list(missing)
        lines = ["face1d_ros cannot be set up yet:"]
        for item in self.missing:
            lines += ["  ✗ " + item.what, "    → " + item.remedy]
        super().__init__("\n".join(lines))


def apt(*packages: str) -> str:
    """How to install Debian packages."""
    return "Debian/Ubuntu: sudo apt install " + " ".join(packages)


def choose_python(environment: Mapping[str, str], required: Optional[Version] = None) -> Python:
    """The first usable Python: PYTHON if set, else those on PATH.

    `required` is the version that a native ROS 2 is built for.
    """
    wanted = environment.get("PYTHON")
    names = (wanted,) if wanted else PYTHON_NAMES
    found = [python for python in (probe_python(name, environment) for name in names) if python]
    for python in found:
        if python_fits(python.version, required):
            return python
    raise MachineNotReadyError([describe_unfit_pythons(found, wanted, required)])


def python_fits(version: Version, required: Optional[Version]) -> bool:
    """True for a Python that all dependencies exist for."""
    return OLDEST_PYTHON <= version[:2] <= NEWEST_PYTHON and (required is None or version[:2] == required[:2])


def probe_python(command: str, environment: Mapping[str, str]) -> Optional[Python]:
    """Ask an interpreter who it is; None if there is none of that name or it does not start."""
    path = shutil.which(command, path=environment.get("PATH"))
    if path is None:
        return None
    question = "import sys; print(sys.executable); print('.'.join(map(str, sys.version_info[:3])))"
    # Isolated (-I), and told that ROS libraries are in place: only the answer matters here.
    answer_environment = dict(environment, _ROS_WHEELS_BOOTSTRAP_COMPLETE="1")
    answer = subprocess.run(
        [path, "-I", "-c", question],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        universal_newlines=True,
        env=answer_environment,
    )
    if answer.returncode != 0:
        return None
    executable, version = answer.stdout.split("\n")[:2]
    return Python(command, executable, tuple(int(part) for part in version.split(".")))


def describe_unfit_pythons(found: List[Python], wanted: Optional[str], required: Optional[Version]) -> Missing:
    """Say which Pythons there are, why none will do, and how to get one that will."""
    if required:
        needed = "{}.{}".format(*required[:2])
        expected = "Python {}, for which the sourced ROS 2 is built".format(needed)
    else:
        needed = "{}.{}".format(*NEWEST_PYTHON)
        expected = "Python {}.{} to {}.{}".format(*(OLDEST_PYTHON + NEWEST_PYTHON))
    seen = ", ".join("{} is {}".format(python.command, ".".join(map(str, python.version))) for python in found)
    if wanted and not found:
        seen = "PYTHON={} does not start".format(wanted)
    if found and all(python.version[:2] < OLDEST_PYTHON for python in found):
        problem = "Python is too old"
    elif found and all(python.version[:2] > NEWEST_PYTHON for python in found):
        problem = "Python is too new: MediaPipe with its models has no build for it"
    else:
        problem = "no Python that fits"
    return Missing(
        "{} ({}); {} is needed".format(problem, seen or "none found on PATH", expected),
        "install it beside yours ({}; or `uv python install {}`), and name it if it is not on PATH: "
        "make PYTHON=/path/to/python{} …".format(
            apt("python{0} python{0}-venv python{0}-dev".format(needed)), needed, needed
        ),
    )


def native_python_version(ros: RosDistribution) -> Optional[Version]:
    """The Python that a native ROS 2 is built for, read from its folders; None for wheels."""
    if ros.prefix is None:
        return None
    for folder in sorted(ros.prefix.glob("lib/python3.*")) + sorted(ros.prefix.glob("local/lib/python3.*")):
        match = re.match(r"python(\d+)\.(\d+)$", folder.name)
        if match and any(folder.glob("*-packages/rclpy")):
            return (int(match.group(1)), int(match.group(2)))
    return None


def check_machine(
    python: Python, ros: RosDistribution, environment: Mapping[str, str], folder: Path, need_gb: float
) -> None:
    """Raise MachineNotReadyError with everything that is missing, at once."""
    missing = [
        *missing_ros(ros, platform.system(), platform.machine()),
        *missing_python_parts(python),
        *missing_programs(ros, environment),
        *missing_libraries(),
        *missing_disk(folder, need_gb),
    ]
    if missing:
        raise MachineNotReadyError(missing)


def missing_ros(ros: RosDistribution, system: str, machine: str) -> List[Missing]:
    """The wheels of ROS 2 exist for one platform."""
    if ros.is_native or (system, machine) == ("Linux", "x86_64"):
        return []
    return [
        Missing(
            "no ROS 2 is sourced, and its wheels exist for Linux on x86_64 only; this is {} on {}".format(
                system, machine
            ),
            "install ROS 2 (https://docs.ros.org), then here: source /opt/ros/<distribution>/setup.bash",
        )
    ]


def missing_python_parts(python: Python) -> List[Missing]:
    """Debian packages Python in parts: the module venv and the headers may be absent."""
    probe = (
        "import sysconfig, os, importlib.util as u;"
        "print(int(u.find_spec('venv') is not None and u.find_spec('ensurepip') is not None),"
        "int(os.path.exists(os.path.join(sysconfig.get_path('include'), 'Python.h'))))"
    )
    answer = subprocess.run(
        [python.executable, "-I", "-c", probe],
        stdout=subprocess.PIPE,
        universal_newlines=True,
        env=dict(os.environ, _ROS_WHEELS_BOOTSTRAP_COMPLETE="1"),
        check=True,
    )
    has_venv, has_headers = answer.stdout.split()
    missing = []
    if has_venv != "1":
        missing.append(
            Missing(
                "{} has no module venv with pip in it".format(python.executable),
                apt("python{}-venv".format(python.short_version)),
            )
        )
    if has_headers != "1":
        missing.append(
            Missing(
                "{} has no C headers (Python.h)".format(python.executable),
                apt("python{}-dev".format(python.short_version)),
            )
        )
    return missing


def missing_programs(ros: RosDistribution, environment: Mapping[str, str]) -> List[Missing]:
    """The compilers; CMake comes from a wheel unless ROS 2 is native."""
    wanted = [
        ("C compiler", environment.get("CC"), ["cc", "gcc", "clang"], "build-essential"),
        ("C++ compiler", environment.get("CXX"), ["c++", "g++", "clang++"], "build-essential"),
    ]
    if ros.is_native:
        wanted.append(("CMake", None, ["cmake"], "cmake"))
    missing = []
    for what, chosen, usual_names, package in wanted:
        names = chosen.split()[:1] if chosen else usual_names
        if not any(shutil.which(name, path=environment.get("PATH")) for name in names):
            missing.append(Missing("no {} (looked for {})".format(what, ", ".join(names)), apt(package)))
    return missing


def missing_libraries(libraries: Mapping[str, str] = SYSTEM_LIBRARIES) -> List[Missing]:
    """Try to load each library, as OpenCV will."""
    missing = []
    for library, package in libraries.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            missing.append(
                Missing("the system library {}, which OpenCV and MediaPipe load".format(library), apt(package))
            )
    return missing


def missing_disk(folder: Path, need_gb: float) -> List[Missing]:
    """Free space where the environment is made."""
    free_gb = shutil.disk_usage(str(folder)).free / 1e9
    if free_gb >= need_gb:
        return []
    return [
        Missing(
            "the disk of {} is nearly full: {:.1f} GB are free, {:.1f} GB are needed".format(folder, free_gb, need_gb),
            "free some space (`pip cache purge` often helps), or use another disk: make VENV=/path …",
        )
    ]
