"""Results of `face1d run` to ROS topics, through a node in a process of its own: this one stays free of ROS."""

from __future__ import annotations

import io
import os
import select
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.cli.processes import child
from face1d_ros.convert.bag import to_bytes
from face1d_ros.errors import MissingDependencyError, ProcessError
from face1d_ros.replay.publishing import PUBLISHER, READY, write_record
from face1d_ros.start import Start

START_S = 30.0
END_S = 3.0
"""Time that the publisher gets to end by itself."""
STUCK_S = 10.0
"""A publisher that takes nothing for so long is given up; with a Ctrl-C, at once."""
POLL_S = 0.1
LAST_LINES = 8


class Publisher:
    """Starts the node, hands results over, and ends it."""

    pictures = False

    def __init__(self, stopping: threading.Event) -> None:
        """Start it and wait until it is ready. Once `stopping` is set, a publisher that is stuck is not waited for."""
        self._stopping = stopping
        if find_spec("rclpy") is None:
            how = "source /opt/ros/<distribution>/setup.bash, or run `make setup` to get ROS 2 from wheels"
            raise MissingDependencyError("ROS 2 (rclpy)", "--publish", how)
        node = child(Start(PUBLISHER))
        self._published = 0
        self._process = subprocess.Popen(
            node.command,
            bufsize=0,
            env=dict(node.environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C in the terminal ends it through us, when all is published
        )
        self._lines: deque[str] = deque(maxlen=LAST_LINES)
        self._is_ready = False
        self._settled = threading.Event()
        """It is ready, or its output has ended."""
        self._stuck = False
        self._reader = threading.Thread(target=self._read, name="publisher", daemon=True)
        self._reader.start()
        self._await_ready()

    def take(self, stamp_ns: int, values: Mapping[str, Any], picture: NDArray[np.uint8] | None) -> None:
        """Hand over. Raises ProcessError where nobody takes it."""
        records = io.BytesIO()
        for topic, value in values.items():
            write_record(records, topic, to_bytes(value))
        try:
            complete = self._write(records.getbuffer())
        except OSError as error:
            raise self._failed("has died") from error
        if complete:
            self._published += len(values)
        elif not self._stopping.is_set():
            self._process.kill()
            raise self._failed(f"took nothing for {STUCK_S:g} s and was ended")

    def idle(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """End the process by ending its input."""
        assert self._process.stdin is not None
        with suppress(OSError):  # it has died before
            self._process.stdin.close()
        if self._stuck:
            self._process.kill()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(END_S)

    def told(self) -> str:
        """How many."""
        return f"ROS   {self._published} messages published"

    def _await_ready(self) -> None:
        end_s = time.monotonic() + START_S
        while not self._settled.wait(POLL_S) and time.monotonic() < end_s and not self._stopping.is_set():
            pass
        if self._is_ready:
            return
        self._process.kill()
        if self._stopping.is_set() and not self._settled.is_set():
            self._stuck = True  # nothing is written to it any more
            return
        raise self._failed("did not start")

    def _write(self, data: memoryview) -> bool:
        """Whether all was taken: nobody may have to wait for a process that stands still."""
        assert self._process.stdin is not None
        descriptor, last_s = self._process.stdin.fileno(), time.monotonic()
        while data and not self._stuck:
            if select.select([], [descriptor], [], POLL_S)[1]:
                # As much as a pipe that can be written to takes without waiting.
                data, last_s = data[os.write(descriptor, data[: select.PIPE_BUF]) :], time.monotonic()
            elif self._stopping.is_set() or time.monotonic() - last_s > STUCK_S:
                self._stuck = True
        return not data

    def _read(self) -> None:
        """Take what the node prints; it would stand still once nobody does."""
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._lines.append(line.decode(errors="replace").rstrip())
                if self._lines[-1] == READY:
                    self._is_ready = True
                    self._settled.set()
        self._settled.set()

    def _failed(self, what: str) -> ProcessError:
        code = self._process.wait()
        self._reader.join(END_S)
        said = "\n  ".join(["", *self._lines]) if self._lines else " nothing"
        return ProcessError(f"the publisher {what} (exit code {code}); it said:{said}")
