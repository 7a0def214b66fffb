"""Runs the steps of the setup: one visible line each, their output in a log.

Standard library only; starts on Python 3.6.
"""

import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, List, Mapping, Optional

from diagnosis import advise, tail

REFRESH_S = 0.25
GRACE_S = 5.0


class StepFailedError(Exception):
    """A step ended with an error; the message holds the advice and the end of the log."""

    def __init__(self, title: str, code: int, log: Path) -> None:
        text = log.read_text(encoding="utf-8", errors="replace")
        advice = advise(text) or "The cause is in the log above; the whole of it is in {}.".format(log)
        super().__init__("{} failed (exit code {}).\n{}\n\n→ {}".format(title, code, tail(text), advice))


class Steps:
    """Numbers the steps, shows how long each takes, and keeps the output of each in a log file."""

    def __init__(self, total: int, logs: Path) -> None:
        self._total = total
        self._count = 0
        self._logs = logs
        self._live = sys.stdout.isatty()
        logs.mkdir(parents=True, exist_ok=True)

    def run(self, title: str, commands: List[List[str]], environment: Mapping[str, str], cwd: Path) -> None:
        """Run the commands of one step, one after the other."""
        self._count += 1
        self._title = "  [{}/{}] {:<44}".format(self._count, self._total, title)
        self._began_s = time.monotonic()
        log = self._logs / "step{}.log".format(self._count)
        if not self._live:
            print(self._title, end="", flush=True)
        with log.open("w", encoding="utf-8") as output:
            code = 0
            for command in commands:
                output.write("$ {}\n".format(" ".join(command)))
                output.flush()
                code = self._run_command(command, environment, cwd, output)
                if code != 0:
                    break
        self._finish("failed" if code else "")
        if code != 0:
            raise StepFailedError(title, code, log)

    def _run_command(self, command: List[str], environment: Mapping[str, str], cwd: Path, output: IO[str]) -> int:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(environment), cwd=str(cwd)
        )
        self._doing = ""
        reader = threading.Thread(target=self._copy_output, args=(process, output), daemon=True)
        reader.start()
        try:
            while process.poll() is None:
                self._show(self._doing)
                reader.join(REFRESH_S)
            reader.join(GRACE_S)
        except KeyboardInterrupt:
            _stop(process)
            self._finish("interrupted")
            raise
        return process.returncode

    def _copy_output(self, process: "subprocess.Popen[bytes]", output: IO[str]) -> None:
        if process.stdout is None:
            return
        for raw in process.stdout:
            line = raw.decode("utf-8", errors="replace")
            output.write(line)
            output.flush()
            self._doing = line.strip() or self._doing

    def _show(self, text: str) -> None:
        if self._live:
            line = "{} {:4.0f} s  {}".format(self._title, time.monotonic() - self._began_s, text)
            print("\r\033[K" + line[: shutil.get_terminal_size().columns - 1], end="", flush=True)

    def _finish(self, text: str) -> None:
        took_s = time.monotonic() - self._began_s
        start = "\r\033[K" + self._title if self._live else ""
        print("{} {:4.0f} s  {}".format(start, took_s, text).rstrip(), flush=True)


def _stop(process: "subprocess.Popen[bytes]", grace_s: Optional[float] = GRACE_S) -> None:
    """End a command that got the same Ctrl-C as we did, and wait until it has."""
    try:
        process.wait(grace_s)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait()
