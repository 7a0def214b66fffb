"""Choosing a Python, and finding out what a machine lacks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import machine
import pytest
from machine import MachineNotReadyError, Python, choose_python
from ros_distribution import RosDistribution

WHEELS = RosDistribution("jazzy", None)
Install = Callable[[str, str], Path]


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """Put a program of a given name on PATH that answers as a Python of that version would."""

    def make(name: str, version: str) -> Path:
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho {program}\necho {version}\n")
        program.chmod(0o755)
        return program

    return make


def path_of(folder: Path) -> dict[str, str]:
    return {"PATH": str(folder)}


def test_first_python_that_fits_is_taken(install: Install, tmp_path: Path) -> None:
    install("python3", "3.13.1")
    install("python3.11", "3.11.2")
    install("python3.10", "3.10.12")
    assert choose_python(path_of(tmp_path)).version == (3, 11, 2)


def test_python_variable_comes_before_path(install: Install, tmp_path: Path) -> None:
    install("python3", "3.11.2")
    mine = install("mine", "3.12.3")
    assert choose_python({**path_of(tmp_path), "PYTHON": str(mine)}).executable == str(mine)


def test_native_ros_decides_the_version(install: Install, tmp_path: Path) -> None:
    install("python3", "3.11.2")
    install("python3.12", "3.12.3")
    assert choose_python(path_of(tmp_path), (3, 12)).version == (3, 12, 3)


def test_a_name_that_does_not_start_is_passed_over(install: Install, tmp_path: Path) -> None:
    (tmp_path / "python3").write_text("#!/bin/sh\nexit 127\n")
    (tmp_path / "python3").chmod(0o755)
    install("python3.10", "3.10.12")
    assert choose_python(path_of(tmp_path)).version == (3, 10, 12)


@pytest.mark.parametrize(
    "version,expected",
    [("3.8.10", "too old (python3 is 3.8.10)"), ("3.13.0", "too new"), (None, "none found on PATH")],
)
def test_unfit_python_is_explained(version: str | None, expected: str, install: Install, tmp_path: Path) -> None:
    if version:
        install("python3", version)
    with pytest.raises(MachineNotReadyError) as error:
        choose_python(path_of(tmp_path))
    assert expected in str(error.value)
    assert "Python 3.10 to 3.12" in str(error.value)
    assert "apt install python3.12 python3.12-venv python3.12-dev" in str(error.value)


def test_this_python_is_complete() -> None:
    here = Python("python3", sys.executable, sys.version_info[:3])
    assert machine.missing_python_parts(here) == []


def test_missing_compilers_are_named_with_their_package(tmp_path: Path) -> None:
    missing = machine.missing_programs(WHEELS, path_of(tmp_path))
    assert [item.what.split(" (")[0] for item in missing] == ["no C compiler", "no C++ compiler"]
    assert "build-essential" in missing[0].remedy


def test_compiler_named_by_cc_must_exist(tmp_path: Path) -> None:
    for name in ("cc", "c++"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o755)
    assert machine.missing_programs(WHEELS, path_of(tmp_path)) == []
    missing = machine.missing_programs(WHEELS, {**path_of(tmp_path), "CC": "icc -O2"})
    assert [item.what for item in missing] == ["no C compiler (looked for icc)"]


def test_missing_library_is_named_with_its_package() -> None:
    missing = machine.missing_libraries({"libc.so.6": "libc6", "libGL-absent.so.1": "libgl1"})
    assert len(missing) == 1
    assert "libGL-absent.so.1" in missing[0].what
    assert missing[0].remedy.endswith("apt install libgl1")


def test_full_disk_is_noticed_before_anything_is_written(tmp_path: Path) -> None:
    assert machine.missing_disk(tmp_path, 0.0) == []
    (full,) = machine.missing_disk(tmp_path, 1e9)
    assert "GB are free" in full.what


def test_wheels_exist_for_one_platform_only() -> None:
    assert machine.missing_ros(WHEELS, "Linux", "x86_64") == []
    (missing,) = machine.missing_ros(WHEELS, "Linux", "aarch64")
    assert "source /opt/ros/" in missing.remedy
    assert machine.missing_ros(RosDistribution("jazzy", Path("/opt/ros/jazzy")), "Linux", "aarch64") == []


def test_python_of_a_native_ros_is_read_from_its_folders(tmp_path: Path) -> None:
    (tmp_path / "lib" / "python3.12" / "site-packages" / "rclpy").mkdir(parents=True)
    (tmp_path / "lib" / "python3.9" / "site-packages").mkdir(parents=True)
    assert machine.native_python_version(RosDistribution("jazzy", tmp_path)) == (3, 12)
    assert machine.native_python_version(WHEELS) is None


def test_everything_missing_is_reported_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "missing_libraries", lambda: [machine.Missing("a library", "install it")])
    here = Python("python3", sys.executable, sys.version_info[:3])
    with pytest.raises(MachineNotReadyError) as error:
        machine.check_machine(here, WHEELS, path_of(tmp_path), tmp_path, 1e9)
    for expected in ("no C compiler", "no C++ compiler", "a library", "disk"):
        assert expected in str(error.value)
