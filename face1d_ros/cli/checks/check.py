"""One result of `face1d doctor`, and how a check asks another Python without harm to this one."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from enum import Enum
from typing import Any

from face1d_ros.paths import ros_environment

PROBE_TIMEOUT_S = 60.0


class Level(Enum):
    """How bad it is. A PROBLEM keeps the main job from running."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Check:
    """What was looked at, what was found, and what to do."""

    name: str
    level: Level
    found: str
    advice: str = ""
    details: Any = None
    """More for programs (`--json`)."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "level": self.level.value,
            "found": self.found,
            "advice": self.advice,
            "details": self.details,
        }


@dataclass(frozen=True)
class ProbeFailure:
    """Why a probe gave no answer: the last line it printed, and all of it."""

    reason: str
    output: str


def probe(code: str) -> Any | ProbeFailure:
    """What `code` prints as JSON in a child Python: a library that crashes while it loads takes down only the child."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=ros_environment(),
            capture_output=True,
            text=True,
            timeout=PROBE_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return ProbeFailure(f"no answer within {PROBE_TIMEOUT_S:g} s", "")
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or [f"exit code {done.returncode}"]
        return ProbeFailure(lines[-1].strip(), done.stderr)
    return json.loads(done.stdout.splitlines()[-1])
