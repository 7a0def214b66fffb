"""The main function of every node: runs it until Ctrl-C, SIGTERM or its own end, and ends it within two seconds."""

from __future__ import annotations

import os
import re
import select
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from face1d_ros.errors import ConfigError, InvalidValueError
from face1d_ros.graph import EXIT_REFUSED
from face1d_ros.nodes.base import EXIT_FAILED, EXIT_OK, FaceNode
from face1d_ros.nodes.memory import keep_freed_memory, spare_garbage_collector
from face1d_ros.paths import utf8_path

SPIN_S = 0.5
LARGEST_DOMAIN = 232
"""Beyond it, the ports that DDS computes from the domain are no ports."""
CLEAN_END_S = 1.4
"""After a signal; then the process ends without waiting for a thread that is stuck."""


def run_node(make_node: Callable[[], FaceNode]) -> int:
    """Run a node and give the exit code: 0 ended as asked, 1 could not start or broke, 2 configuration refused.

    The executor has a thread of its own. This, the main one, only waits for a signal, so that a Ctrl-C never
    interrupts anything half-way and the ROS context lives until all is cleaned up.
    """
    keep_freed_memory()
    wake = _WakeUp()
    try:
        _check_domain(os.environ.get("ROS_DOMAIN_ID", ""))
        arguments = [utf8_path(argument) for argument in sys.argv]
        rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    except (ConfigError, RuntimeError) as error:  # arguments or an environment that another start would not change
        sys.stderr.write(f"cannot start: {_sentence(error)}\n")
        return EXIT_REFUSED
    runner = _Runner(make_node, wake.set)
    runner.thread.start()
    wake.wait()
    runner.stopping.set()
    runner.thread.join(CLEAN_END_S)
    if runner.thread.is_alive():
        sys.stderr.write("a thread is still busy: ending without it\n")
        sys.stderr.flush()
        os._exit(EXIT_OK)
    with suppress(RuntimeError):  # someone else has shut the context down
        rclpy.shutdown()
    return runner.exit_code


def _check_domain(domain: str) -> None:
    """Refuse what the middleware would answer by ending the process."""
    if domain and not (domain.isdecimal() and int(domain) <= LARGEST_DOMAIN):
        raise InvalidValueError("ROS_DOMAIN_ID", domain, f"a whole number from 0 to {LARGEST_DOMAIN}")


def _sentence(error: Exception) -> str:
    """Without the places in ROS's own source files."""
    return re.sub(r", at /\S+:\d+", "", str(error))


class _Runner:
    def __init__(self, make_node: Callable[[], FaceNode], on_end: Callable[[], None]) -> None:
        self.exit_code = EXIT_FAILED
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, name="executor", daemon=True)
        self._make_node = make_node
        self._on_end = on_end

    def _run(self) -> None:
        try:
            node = self._make_node()
            try:
                self.exit_code = self._spin(node)
            finally:
                node.destroy_node()
        except ExternalShutdownException:
            self.exit_code = EXIT_OK
        finally:
            self._on_end()

    def _spin(self, node: FaceNode) -> int:
        code = node.begin()
        if code is not None:
            return code
        spare_garbage_collector()
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        while not self.stopping.is_set() and node.exit_code is None:
            executor.spin_once(timeout_sec=SPIN_S)
        executor.shutdown(timeout_sec=0.1)
        return EXIT_OK if node.exit_code is None else node.exit_code


class _WakeUp:
    """Waits for SIGINT, SIGTERM or `set`, without polling and without an exception in the middle of something."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)

    def set(self) -> None:
        with suppress(BlockingIOError):
            os.write(self._write, b"\0")

    def wait(self) -> None:
        select.select([self._read], [], [])
