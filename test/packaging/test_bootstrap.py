"""The state of the environment: what is made again, what is left alone, what is repaired."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import bootstrap
import pytest
from bootstrap import NOTHING, State
from machine import Python
from ros_distribution import RosDistribution
from steps import StepFailedError, Steps

PYTHON = Python("python3", sys.executable, sys.version_info[:3])
WHEELS = RosDistribution("jazzy", None)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "checkout"
    for name in ("msg/A.msg", "face1d_ros/types.py", "requirements/run.txt", "setup.py", "test/test_a.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("1")
    monkeypatch.setattr(bootstrap, "ROOT", root)
    return root


def test_nothing_changed_means_the_same_state(checkout: Path) -> None:
    first = bootstrap.wanted_state(checkout / ".venv", WHEELS, PYTHON)
    (checkout / "test" / "test_a.py").write_text("2")
    for name in ("__pycache__/types.pyc", ".mypy_cache/types.json", "nodes/.cache/types", ".types.py.swp"):
        (checkout / "face1d_ros" / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / "face1d_ros" / name).write_text("2")
    assert bootstrap.wanted_state(checkout / ".venv", WHEELS, PYTHON) == first


@pytest.mark.parametrize(
    "changed,part",
    [("msg/A.msg", "package"), ("face1d_ros/types.py", "package"), ("requirements/run.txt", "requirements")],
)
def test_only_the_part_that_changed_is_made_again(checkout: Path, changed: str, part: str) -> None:
    before = bootstrap.wanted_state(checkout / ".venv", WHEELS, PYTHON)
    (checkout / changed).write_text("2")
    after = bootstrap.wanted_state(checkout / ".venv", WHEELS, PYTHON)
    different = [name for name in State._fields if getattr(before, name) != getattr(after, name)]
    assert different == [part]


def test_another_ros_or_python_needs_another_environment(checkout: Path) -> None:
    venv = checkout / ".venv"
    states = [
        bootstrap.wanted_state(venv, WHEELS, PYTHON),
        bootstrap.wanted_state(venv, RosDistribution("kilted", None), PYTHON),
        bootstrap.wanted_state(venv, RosDistribution("jazzy", Path("/opt/ros/jazzy")), PYTHON),
        bootstrap.wanted_state(venv, WHEELS, PYTHON._replace(version=(3, 12, 0))),
    ]
    assert len({state.environment for state in states}) == len(states)


def test_state_survives_being_written(tmp_path: Path) -> None:
    bootstrap.write_state(tmp_path, State("a", "b", "c"))
    assert bootstrap.read_state(tmp_path) == State("a", "b", "c")


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"environment": "a"}'])
def test_unreadable_state_counts_as_none(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / bootstrap.STATE_FILE).write_text(content)
    assert bootstrap.read_state(tmp_path) == NOTHING


def test_half_made_environment_is_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    venv = tmp_path / ".venv"
    venv.mkdir()
    (venv / "pyvenv.cfg").touch()
    bootstrap.remove_environment(venv, NOTHING)
    assert not venv.exists()
    assert "was not finished" in capsys.readouterr().out


def test_a_folder_that_is_no_environment_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ValueError, match="no virtual environment"):
        bootstrap.remove_environment(tmp_path, NOTHING)
    assert (tmp_path / "thesis.tex").exists()


def test_environment_of_wheels_is_complete_so_that_python_starts_once(tmp_path: Path) -> None:
    libraries = tmp_path / "lib" / "python3.11" / "site-packages" / "ros_rcl.libs"
    libraries.mkdir(parents=True)
    result = bootstrap.run_environment(tmp_path, {"LD_LIBRARY_PATH": "/x", "PATH": "/usr/bin"})
    assert result["LD_LIBRARY_PATH"].split(os.pathsep) == [str(tmp_path / "lib"), str(libraries), "/x"]
    assert result["PATH"].startswith(str(tmp_path / "bin") + os.pathsep)
    assert result["_ROS_WHEELS_BOOTSTRAP_COMPLETE"] == "1"


def test_mark_of_another_environment_is_not_inherited(tmp_path: Path) -> None:
    result = bootstrap.run_environment(tmp_path, {"_ROS_WHEELS_BOOTSTRAP_COMPLETE": "1"})
    assert "_ROS_WHEELS_BOOTSTRAP_COMPLETE" not in result


def test_failed_step_shows_the_end_of_its_log_and_advice(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('[Errno 28] No space left on device'); raise SystemExit(3)"]
    with pytest.raises(StepFailedError) as error:
        Steps(1, tmp_path / "logs").run("some step", [command], os.environ, tmp_path)
    assert "some step failed (exit code 3)" in str(error.value)
    assert "No space left on device" in str(error.value)
    assert "The disk is full" in str(error.value)


def test_steps_stop_at_the_first_command_that_fails(tmp_path: Path) -> None:
    touch = [sys.executable, "-c", "open('made', 'w')"]
    with pytest.raises(StepFailedError):
        Steps(1, tmp_path / "logs").run("step", [["false"], touch], os.environ, tmp_path)
    assert not (tmp_path / "made").exists()


def test_scripts_keep_to_the_syntax_of_python_3_6() -> None:
    """An old Python must get as far as saying that it is too old."""
    import ast

    for name in ("bootstrap", "diagnosis", "machine", "ros_distribution", "steps"):
        path = Path(bootstrap.__file__).with_name(name + ".py")
        ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 6))


def test_setup_says_what_is_missing_and_exits_with_1(tmp_path: Path) -> None:
    script = Path(bootstrap.__file__)
    environment = {**os.environ, "PYTHON": str(tmp_path / "python2")}
    environment.pop("AMENT_PREFIX_PATH", None)
    command = [sys.executable, str(script), "--venv", str(tmp_path / "venv")]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 1
    assert "python2 does not start" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not (tmp_path / "venv").exists()
