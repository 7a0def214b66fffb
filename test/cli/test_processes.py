"""What the processes of the graph are given."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from face1d_ros.cli.processes import child, graph_environment
from face1d_ros.errors import PathError
from face1d_ros.graph import CAMERA
from face1d_ros.start import Start


def test_names_are_read_as_utf_8_in_any_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in (("LC_ALL", "C"), ("PYTHONUTF8", "0"), ("PYTHONCOERCECLOCALE", "0")):
        monkeypatch.setenv(variable, value)
    code = "import os, sys; print(ascii(sys.argv[1]), os.fsencode(sys.argv[1]) == 'café'.encode())"
    command = [sys.executable, "-c", code, "café".encode()]
    done = subprocess.run(command, env=graph_environment(), capture_output=True, text=True, check=True)
    assert done.stdout == r"'caf\xe9' True" + "\n"


def test_a_text_that_no_ros_parameter_can_hold_is_refused_before_anything_starts() -> None:
    with pytest.raises(PathError, match=r"'caf\\xe9\.mp4': its name holds bytes that are no UTF-8"):
        child(Start(CAMERA, {"source": os.fsdecode(b"caf\xe9.mp4")}))
    assert "source:='café.mp4'" in child(Start(CAMERA, {"source": "café.mp4"})).command
