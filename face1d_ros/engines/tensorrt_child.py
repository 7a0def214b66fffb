"""The builder as a child process: its progress, its result, its end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from face1d_ros.engines.tensorrt_build import OnProgress
from face1d_ros.engines.tensorrt_cuda import NAME
from face1d_ros.errors import EngineError
from face1d_ros.paths import ros_environment

MODULE = "face1d_ros.engines.tensorrt_builder"
BUILD_LIMIT_S = 1800.0
"""Far more than a network of this size should take anywhere; the CPU answers meanwhile."""
LAST_WORDS = 2000
"""Bytes of standard error that are looked at for why it failed."""


class BuildChild:
    """One build. `run` waits for it in one thread; `stop` may be called from any other, at any time."""

    def __init__(self, bundle: Path, *, again: bool = False, limit_s: float = BUILD_LIMIT_S) -> None:
        self._command = [sys.executable, "-m", MODULE, str(bundle), *(["--again"] if again else [])]
        self._limit_s = limit_s
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._why_stopped = ""

    def run(self, on_progress: OnProgress) -> Mapping[str, Any]:
        """What the builder says at last: `was_built` and `golden_error`. Whatever goes wrong is an `EngineError`."""
        with tempfile.TemporaryFile() as errors:
            with self._lock:
                if self._why_stopped:
                    raise EngineError(NAME, f"the build was stopped: {self._why_stopped}")
                process = self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    env=ros_environment(_environment()),
                    text=True,
                    start_new_session=True,  # Ctrl-C is for us; it ends when we close its standard input
                )
            timer = threading.Timer(self._limit_s, self.stop, (f"it took more than {self._limit_s:g} s",))
            timer.daemon = True
            timer.start()
            try:
                last = self._listen(process, on_progress)
            finally:
                timer.cancel()
                if process.poll() is None:
                    process.kill()
                process.communicate()
            return self._result(process.returncode, last, errors)

    def stop(self, why: str = "asked to") -> None:
        """End it now; it may not even have begun."""
        with self._lock:
            self._why_stopped = self._why_stopped or why
            if self._process is not None and self._process.poll() is None:
                self._process.kill()

    @staticmethod
    def _listen(process: subprocess.Popen[str], on_progress: OnProgress) -> dict[str, Any]:
        """Until it has said what came of it."""
        assert process.stdout is not None
        for line in process.stdout:
            try:
                message = json.loads(line)
            except ValueError:  # the half of a line that it had said when it was killed
                break
            if "phase" not in message:
                process.wait()
                return dict(message)
            on_progress(str(message["phase"]), float(message["done"]))
        process.wait()
        return {}

    def _result(self, exit_code: int, last: dict[str, Any], errors: IO[bytes]) -> Mapping[str, Any]:
        if "error" in last:
            raise EngineError(NAME, f"the build failed: {last['error']}")
        if last and exit_code == 0:
            return last
        if exit_code < 0 and self._why_stopped:
            raise EngineError(NAME, f"the build was stopped: {self._why_stopped}")
        errors.seek(max(0, errors.seek(0, os.SEEK_END) - LAST_WORDS))
        lines = [line for line in errors.read().decode(errors="replace").splitlines() if line.strip()]
        ended = signal.Signals(-exit_code).name if exit_code < 0 else f"exit code {exit_code}"
        raise EngineError(NAME, f"the build ended with {ended}" + (f": {lines[-1].strip()}" if lines else ""))


def _environment() -> dict[str, str]:
    """Ours, with this package where Python looks first: it may be a checkout that is installed nowhere."""
    package = Path(__file__).absolute().parents[2]
    before = os.environ.get("PYTHONPATH", "")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (before, str(package))))}
