"""The package as it is installed: one version, one tree, everything where ROS 2 looks for it."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from importlib.metadata import metadata
from pathlib import Path

import pytest
from bootstrap import is_installed

import face1d_ros
from face1d_ros import paths
from face1d_ros.errors import MissingDependencyError

ROOT = Path(__file__).resolve().parents[2]
SHARED = ("launch", "config", "models", "msg", "srv", "action")
NODES = sorted(path.stem for path in (ROOT / "face1d_ros" / "nodes").glob("*_node.py"))


def run_elsewhere(code: str, folder: Path) -> str:
    """What a new Python prints that is started in another folder, so that it sees the installed package."""
    answer = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


def test_version_is_the_same_everywhere() -> None:
    package = ElementTree.parse(ROOT / "package.xml").getroot()
    assert package.findtext("version") == face1d_ros.__version__ == metadata("face1d_ros")["Version"]


def test_interfaces_import_from_the_checkout_and_from_elsewhere(tmp_path: Path) -> None:
    code = "from face1d_ros.msg import FaceLandmarksArray; print(FaceLandmarksArray.__module__)"
    for folder in (ROOT, tmp_path):
        assert run_elsewhere(code, folder).startswith("face1d_ros.msg.")


def test_share_folder_is_the_checkout_here_and_the_prefix_elsewhere(tmp_path: Path) -> None:
    code = "from face1d_ros.paths import share_dir; print(share_dir())"
    assert run_elsewhere(code, ROOT) == str(ROOT)
    installed = Path(run_elsewhere(code, tmp_path))
    assert installed.parts[-2:] == ("share", "face1d_ros")
    shared = [path for name in SHARED for path in (ROOT / name).rglob("*") if path.is_file()]
    for path in [ROOT / "package.xml", *(path for path in shared if is_installed(path))]:
        assert (installed / path.relative_to(ROOT)).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("node", NODES)
def test_every_node_has_an_executable(node: str) -> None:
    assert os.access(paths.node_executable(node), os.X_OK)


def test_unknown_node_is_refused_with_what_to_do() -> None:
    with pytest.raises(MissingDependencyError, match="make setup"):
        paths.node_executable("no_such_node")


def test_command_line_is_installed_beside_python(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("face1d")
    answer = subprocess.run([program, "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stderr


def test_launcher_works_through_a_link(tmp_path: Path) -> None:
    link = tmp_path / "face1d"
    link.symlink_to(Path(sys.executable).with_name("face1d"))
    answer = subprocess.run([link, "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stderr


def test_child_environment_puts_our_libraries_first_and_once() -> None:
    libraries = str(paths.prefix_dir() / "lib")
    base = {"LD_LIBRARY_PATH": os.pathsep.join(["/other", libraries]), "HOME": "/home/me"}
    environment = paths.ros_environment(base)
    entries = environment["LD_LIBRARY_PATH"].split(os.pathsep)
    assert entries[0] == libraries
    assert entries.count(libraries) == 1
    assert entries[-1] == "/other"
    assert environment["HOME"] == "/home/me"


@pytest.mark.ros
def test_child_environment_is_enough_to_use_ros(tmp_path: Path) -> None:
    code = "import rclpy, face1d_ros.msg; rclpy.init(); rclpy.shutdown(); print('works')"
    environment = paths.ros_environment({"HOME": str(tmp_path), **native_variables()})
    command = [sys.executable, "-c", code]
    answer = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert answer.stdout.strip() == "works", answer.stderr


def native_variables() -> dict[str, str]:
    """What a sourced native ROS 2 has set, which nobody else can know; nothing with wheels."""
    names = ("AMENT_PREFIX_PATH", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "ROS_DISTRO")
    return {name: os.environ[name] for name in names if name in os.environ and "ROS_DISTRO" in os.environ}
