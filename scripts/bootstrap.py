"""Makes the virtual environment that `make demo`, `make test` and the others share, and runs a command in it.

    python3 scripts/bootstrap.py [--venv .venv] [--training] [-- command …]

Takes a moment when nothing has changed. Uses a native ROS 2 where one is sourced, wheels of ROS 2 elsewhere
(FACE1D_ROS_DISTRO: jazzy, kilted). PYTHON names the interpreter. Standard library only; starts on Python 3.6.
"""

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, NamedTuple, Optional

from machine import (
    FRESH_DISK_GB,
    UPDATE_DISK_GB,
    MachineNotReadyError,
    Python,
    check_machine,
    choose_python,
    native_python_version,
)
from ros_distribution import ROOT, RosDistribution, find_ros
from steps import StepFailedError, Steps

STATE_FILE = "face1d-setup.json"
TRAINING_FILE = "face1d-training.txt"
INTERFACE_FOLDERS = ("msg", "srv", "action")
SOURCE_FOLDERS = (*INTERFACE_FOLDERS, "bin", "cmake", "config", "face1d_ros", "launch", "models")
SOURCE_FILES = ("CMakeLists.txt", "package.xml", "pyproject.toml", "setup.py")
CHECK = "import cv2, mediapipe, rclpy; from face1d_ros import msg, srv, action"


class State(NamedTuple):
    """What the environment was made from. A part that differs is made again; '' means not finished."""

    environment: str
    requirements: str
    package: str


NOTHING = State("", "", "")


def main(arguments: Optional[List[str]] = None) -> int:
    """Set up, then become the command."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    venv = Path(os.path.abspath(options.venv))
    try:
        ros = find_ros(os.environ)
        with only_one_setup(venv):
            set_up(venv, ros)
            if options.training:
                add_training(venv)
    except (MachineNotReadyError, StepFailedError, ValueError) as error:
        print("\n{}".format(error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Run it again to go on: what was downloaded is kept.", file=sys.stderr)
        return 130
    if options.command:
        environment = run_environment(venv, os.environ)
        program = shutil.which(options.command[0], path=environment["PATH"]) or options.command[0]
        os.execve(program, options.command, environment)
    return 0


def parse(arguments: List[str]) -> argparse.Namespace:
    """Our options, and the command after `--`."""
    split = arguments.index("--") if "--" in arguments else len(arguments)
    parser = argparse.ArgumentParser(description="Make the environment of face1d_ros, and run a command in it.")
    parser.add_argument("--venv", default=str(ROOT / ".venv"), help="the environment's folder (default: .venv)")
    parser.add_argument("--training", action="store_true", help="with PyTorch, to train, export and test networks")
    options = parser.parse_args(arguments[:split])
    options.command = arguments[split + 1 :]
    return options


def set_up(venv: Path, ros: RosDistribution) -> None:
    """Bring the environment up to date with this machine, the requirements and the sources."""
    python = choose_python(os.environ, native_python_version(ros))
    goal = wanted_state(venv, ros, python)
    state = read_state(venv)
    kind = "native ROS 2 {}".format(ros.name) if ros.is_native else "ROS 2 {} from wheels".format(ros.name)
    summary = "{} ({}, Python {})".format(venv.name, kind, ".".join(map(str, python.version)))
    if state == goal and is_whole(venv):
        print("face1d_ros: {} is up to date".format(summary), flush=True)
        return

    fresh = state.environment != goal.environment or not state.requirements or not is_whole(venv, package=False)
    check_machine(python, ros, os.environ, venv.parent, FRESH_DISK_GB if fresh else UPDATE_DISK_GB)
    print("face1d_ros: {} {}".format("making" if fresh else "updating", summary), flush=True)
    if fresh and venv.exists():
        remove_environment(venv, state)
    install_requirements = fresh or state.requirements != goal.requirements
    steps = Steps(1 + fresh + 2 * install_requirements + install_requirements, venv.parent / "build" / "setup-logs")
    if fresh:
        make_environment(steps, venv, ros, python)
        write_state(venv, NOTHING)
    if install_requirements:
        write_state(venv, NOTHING)
        install_packages(steps, venv, ros)
        state = State(goal.environment, goal.requirements, "")
        write_state(venv, state)
    install_ourselves(steps, venv)
    if install_requirements:
        steps.run("check", [[str(venv / "bin" / "python"), "-c", CHECK]], run_environment(venv, os.environ), venv)
    write_state(venv, goal)


def remove_environment(venv: Path, state: State) -> None:
    """Remove an environment of another kind or half made, and say so; never a folder that is none."""
    if not (venv / "pyvenv.cfg").exists() and any(venv.iterdir()):
        raise ValueError("{} exists and is no virtual environment: name another folder, make VENV=…".format(venv))
    reason = "was made for another Python or ROS 2" if state.requirements else "was not finished"
    print("  the {} that is there {}: starting afresh".format(venv.name, reason), flush=True)
    shutil.rmtree(str(venv))


def make_environment(steps: Steps, venv: Path, ros: RosDistribution, python: Python) -> None:
    """An empty environment with a current pip; the system's modules stay visible to a native ROS 2."""
    create = [python.executable, "-m", "venv", str(venv)] + (["--system-site-packages"] if ros.is_native else [])
    steps.run("virtual environment", [create, pip(venv, "--upgrade", "pip>=24")], pip_environment(venv), venv.parent)


def install_packages(steps: Steps, venv: Path, ros: RosDistribution) -> None:
    """What the package is built with, and what it and its tests run with."""
    build = ["build"] if ros.is_native else ["build", "build-wheels", "build-" + ros.name, "ros-" + ros.name]
    title = "build tools" if ros.is_native else "ROS 2 {}, build tools".format(ros.name)
    environment = pip_environment(venv)
    steps.run(title, [pip(venv, *requirement_options(build))], environment, ROOT)
    title = "MediaPipe, OpenCV, test tools"
    steps.run(title, [pip(venv, *requirement_options(["run", "build", "dev"]))], environment, ROOT)


def install_ourselves(steps: Steps, venv: Path) -> None:
    """Build and install this package with what is in the environment; only what changed is compiled again."""
    command = pip(venv, "--no-build-isolation", "--no-deps", "--force-reinstall", str(ROOT))
    steps.run("face1d_ros", [command], pip_environment(venv), ROOT)


def add_training(venv: Path) -> None:
    """PyTorch, which the nodes and the demo do not need and which is larger than all they do."""
    requirements = ROOT / "requirements" / "train.txt"
    there = venv / TRAINING_FILE
    if there.exists() and there.read_bytes() == requirements.read_bytes():
        return
    steps = Steps(1, venv.parent / "build" / "setup-logs")
    steps.run(
        "PyTorch, for networks and their tests", [pip(venv, "-r", str(requirements))], pip_environment(venv), ROOT
    )
    there.write_bytes(requirements.read_bytes())


def pip(venv: Path, *arguments: str) -> List[str]:
    """A `pip install` that asks nothing."""
    command = [str(venv / "bin" / "python"), "-m", "pip", "install", "--no-input", "--progress-bar", "off"]
    return command + list(arguments)


def requirement_options(names: List[str]) -> List[str]:
    """The options of pip that name requirement files."""
    return [part for name in names for part in ("-r", str(ROOT / "requirements" / (name + ".txt")))]


def pip_environment(venv: Path) -> Dict[str, str]:
    """Programs of the environment first, so that its CMake and Ninja are found."""
    environment = run_environment(venv, os.environ)
    environment.update(PIP_DISABLE_PIP_VERSION_CHECK="1", PYTHONUNBUFFERED="1")
    return environment


def run_environment(venv: Path, base: Mapping[str, str]) -> Dict[str, str]:
    """`base` with the environment activated, and our libraries where ROS 2 looks for them."""
    environment = dict(base)
    # Set by whoever started us for another Python.
    for variable in ("_ROS_WHEELS_BOOTSTRAP_COMPLETE", "PYTHONHOME"):
        environment.pop(variable, None)
    environment["VIRTUAL_ENV"] = str(venv)
    libraries = [venv / "lib"]
    bundled = sorted(venv.glob("lib/python3.*/site-packages/ros_*.libs"))
    if bundled:
        # The wheels of ROS 2 start Python again to set this path (in any order), unless told that it is done.
        libraries += bundled
        environment["_ROS_WHEELS_BOOTSTRAP_COMPLETE"] = "1"
    prepend(environment, "PATH", [venv / "bin"])
    prepend(environment, "LD_LIBRARY_PATH", libraries)
    prepend(environment, "AMENT_PREFIX_PATH", [venv])
    return environment


def prepend(environment: Dict[str, str], variable: str, folders: List[Path]) -> None:
    """Put folders in front of a search path, each once."""
    first = [str(folder) for folder in folders]
    rest = [entry for entry in environment.get(variable, "").split(os.pathsep) if entry and entry not in first]
    environment[variable] = os.pathsep.join(first + rest)


def wanted_state(venv: Path, ros: RosDistribution, python: Python) -> State:
    """The state that this machine and this checkout ask for."""
    requirement_files = sorted((ROOT / "requirements").glob("*.txt"))
    sources = [ROOT / name for name in SOURCE_FILES]
    sources += [path for folder in SOURCE_FOLDERS for path in sorted((ROOT / folder).rglob("*"))]
    interpreter = os.path.realpath(python.executable)  # one Python may go by several names
    identity = [str(venv), str(ROOT), ros.name, str(ros.prefix), interpreter, str(python.version)]
    return State(
        environment=digest([], identity),
        requirements=digest(requirement_files, []),
        package=digest([path for path in sources if is_installed(path)], []),
    )


def is_installed(path: Path) -> bool:
    """False for caches, and for the dot folders that editors and tools leave, as in cmake/python_package.cmake."""
    parts = path.relative_to(ROOT).parts
    return "__pycache__" not in parts and not any(part.startswith(".") for part in parts) and path.suffix != ".pyc"


def digest(files: List[Path], words: List[str]) -> str:
    """One hash over words, and over names and contents of files."""
    result = hashlib.sha256("\n".join(words).encode())
    for path in files:
        if path.is_file():
            result.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return result.hexdigest()


def read_state(venv: Path) -> State:
    """What an earlier setup left, or NOTHING."""
    try:
        return State(**json.loads((venv / STATE_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return NOTHING


def write_state(venv: Path, state: State) -> None:
    """Replace the state in one step, so that an interruption leaves the old one."""
    temporary = venv / (STATE_FILE + ".new")
    temporary.write_text(json.dumps(state._asdict(), indent=1), encoding="utf-8")
    temporary.replace(venv / STATE_FILE)


def is_whole(venv: Path, package: bool = True) -> bool:
    """True if the environment's Python and, if asked for, our package are still there."""
    needed = [venv / "bin" / "python"] + ([venv / "share" / "face1d_ros" / "package.xml"] if package else [])
    return all(path.exists() for path in needed)


@contextmanager
def only_one_setup(venv: Path) -> Iterator[None]:
    """Wait for another setup of the same environment to end."""
    venv.parent.mkdir(parents=True, exist_ok=True)
    with (venv.parent / (venv.name + ".lock")).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("face1d_ros: another setup of {} is running: waiting for it".format(venv.name), flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main())
