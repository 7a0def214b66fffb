"""Logs of real failures, and the advice that must come out."""

from __future__ import annotations

import pytest
from diagnosis import advise, tail

NAME_NOT_RESOLVED = """
WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError("Failed to
establish a new connection: [Errno -3] Temporary failure in name resolution")'
ERROR: Could not find a version that satisfies the requirement rich<16 (from versions: none)
"""

LOGS = [
    ("OSError: [Errno 28] No space left on device", "disk is full"),
    ("c++: fatal error: error writing to /tmp/x.s: No space left on device", "disk is full"),
    (NAME_NOT_RESOLVED, "No network"),
    ("ReadTimeoutError: HTTPSConnectionPool(host='x', port=443): Read timed out.", "No network"),
    ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]'))", "PIP_CERT"),
    ("ERROR: No matching distribution found for mediapipe==0.10.21", "no build of mediapipe==0.10.21"),
    ("ImportError: libGL.so.1: cannot open shared object file: No such file", "apt install libgl1"),
    ("ImportError: libfoo.so.2: cannot open shared object file", "apt-file search libfoo.so.2"),
    ("x.c:3:10: fatal error: Python.h: No such file or directory", "python3-dev"),
    ("CMake Error: No CMAKE_CXX_COMPILER could be found.", "build-essential"),
    ("c++: fatal error: Killed signal terminated program cc1plus", "out of memory"),
    ('Could not find a package configuration file provided by "geometry_msgs"', "package geometry_msgs"),
    ("ModuleNotFoundError: No module named 'catkin_pkg'", "ros-dev-tools"),
    ("PermissionError: [Errno 13] Permission denied: '/opt/x'", "No permission to write /opt/x"),
]


@pytest.mark.parametrize("log,expected", LOGS)
def test_advice_names_the_cause(log: str, expected: str) -> None:
    advice = advise("Collecting something\n" + log + "\n")
    assert advice is not None
    assert expected in advice


def test_no_advice_for_an_unknown_failure() -> None:
    assert advise("error: expected ';' before '}' token") is None


def test_a_full_disk_is_named_before_what_follows_from_it() -> None:
    advice = advise("ModuleNotFoundError: No module named 'em'\n[Errno 28] No space left on device")
    assert advice is not None
    assert "disk is full" in advice


def test_tail_keeps_the_end() -> None:
    text = tail("\n".join(str(number) for number in range(100)), lines=2)
    assert text.split() == ["98", "99"]
