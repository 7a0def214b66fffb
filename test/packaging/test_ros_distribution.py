"""Native ROS 2 or wheels, and what follows for the requirements."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ros_distribution import RosDistribution, cmake_environment, find_ros, python_folders, read_requirements


@pytest.fixture
def native(tmp_path: Path) -> Path:
    prefix = tmp_path / "jazzy"
    (prefix / "share" / "rclpy").mkdir(parents=True)
    return prefix


def test_wheels_of_jazzy_where_nothing_is_sourced() -> None:
    assert find_ros({}) == RosDistribution("jazzy", None)


def test_wheels_of_kilted_on_request() -> None:
    ros = find_ros({"FACE1D_ROS_DISTRO": "kilted"})
    assert ros == RosDistribution("kilted", None)
    assert "ros-rclpy[fastrtps]==9.1.2" in ros.run_requirements()


def test_unknown_distribution_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="jazzy and kilted"):
        find_ros({"FACE1D_ROS_DISTRO": "foxy"})


def test_sourced_ros_is_used_and_no_wheel_of_ros_is_asked_for(native: Path) -> None:
    overlay = native.parent / "overlay"
    ros = find_ros({"AMENT_PREFIX_PATH": f"{overlay}{os.pathsep}{native}", "ROS_DISTRO": "jazzy"})
    assert ros == RosDistribution("jazzy", native)
    assert not [line for line in ros.run_requirements() + ros.build_requirements() if line.startswith("ros-")]


def test_virtual_environment_with_wheels_is_not_taken_for_native(native: Path) -> None:
    (native / "pyvenv.cfg").touch()
    assert not find_ros({"AMENT_PREFIX_PATH": str(native)}).is_native


def test_cmake_sees_the_prefixes_and_modules_of_a_native_ros(native: Path) -> None:
    modules = python_folders_made_in(native)
    environment = {"AMENT_PREFIX_PATH": str(native), "HOME": "/home/me"}
    result = cmake_environment(RosDistribution("jazzy", native), environment)
    assert result["CMAKE_PREFIX_PATH"] == str(native)
    assert result["PYTHONPATH"].split(os.pathsep)[: len(modules)] == [str(path) for path in modules]
    assert result["HOME"] == "/home/me"


def python_folders_made_in(prefix: Path) -> list[Path]:
    import sys

    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    folders = [
        prefix / "lib" / version / "site-packages",
        prefix / "local" / "lib" / version / "dist-packages",
    ]
    for folder in folders:
        folder.mkdir(parents=True)
    assert python_folders(prefix) == folders
    return folders


@pytest.mark.parametrize("name", ["jazzy", "kilted"])
def test_wheels_of_ros_are_pinned(name: str) -> None:
    lines = read_requirements(f"ros-{name}") + read_requirements(f"build-{name}")
    assert all("==" in line or "~=" in line for line in lines)
    names = [line.split("=")[0].rstrip("~") for line in read_requirements(f"build-{name}")]
    assert len(names) == len(set(names))


def test_only_one_opencv_is_asked_for() -> None:
    assert [line for line in read_requirements("run") if line.startswith("opencv")] == [
        "opencv-contrib-python>=4.9,<4.12"
    ]
