from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from harness import Ros, node_environment

SCRIPT = Path(__file__).with_name("image_flow.py")
COUNT, RATE_HZ = 120, 30


@pytest.mark.parametrize(("width", "height"), [(640, 480), (1920, 1080)])
def test_images_arrive_between_two_processes(ros: Ros, width: int, height: int):
    """Without the profile most are lost each time; with it, only where a busy machine keeps the receiver waiting."""
    assert any(received(width, height) >= 0.99 * COUNT for _ in range(3))


def received(width: int, height: int) -> int:
    """How many of the images arrive."""
    numbers = [str(number) for number in (width, height, COUNT, RATE_HZ)]
    roles = [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), role, *numbers],
            env=node_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for role in ("receive", "publish")
    ]
    output, said = (role.communicate(timeout=60.0)[0] for role in roles)
    assert "Error" not in output + said
    (line,) = (line for line in output.splitlines() if line.startswith("{"))
    return int(json.loads(line)["received"])
