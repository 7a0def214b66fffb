"""Keeps MediaPipe's start-up messages off the terminal."""

from __future__ import annotations

import logging
import os
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

STDERR = 2
CHATTER = re.compile(
    rb"INFO: (Created|Initialized) TensorFlow Lite|WARNING: All log messages before absl::InitializeLog"
    rb"|[IWE]\d{4} [\d:. ]+"
)
_logger = logging.getLogger(__name__)
_one_at_a_time = threading.RLock()


@contextmanager
def quiet_start() -> Iterator[None]:
    """Divert the process's error output while models load.

    MediaPipe and TensorFlow Lite write to file descriptor 2 from threads of their own, and no setting stops
    them. What they say goes to the log at debug level; lines that are not theirs are written out afterwards.
    """
    with _one_at_a_time:
        try:
            kept = os.dup(STDERR)
        except OSError:  # there is no error output to keep clean
            yield
            return
        with tempfile.TemporaryFile() as caught:
            os.dup2(caught.fileno(), STDERR)
            try:
                yield
            finally:
                os.dup2(kept, STDERR)
                os.close(kept)
                caught.seek(0)
                _sort(caught.readlines())


def _sort(lines: list[bytes]) -> None:
    for line in lines:
        if CHATTER.match(line):
            _logger.debug(line.decode(errors="replace").rstrip())
        else:
            os.write(STDERR, line)
