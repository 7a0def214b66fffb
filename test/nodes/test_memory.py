"""Freed images stay with the process."""

from __future__ import annotations

import subprocess
import sys

import pytest

COUNT_PAGE_FAULTS = """
import resource, sys, threading
import numpy as np
from face1d_ros.nodes.memory import keep_freed_memory

if sys.argv[1] == "kept":
    assert keep_freed_memory()

def images(count):
    for _ in range(count):
        held = [bytearray(1280 * 720 * 3) for _ in range(3)]

def count():
    images(3)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    images(10)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

thread = threading.Thread(target=count)
thread.start()
thread.join()
"""


def page_faults(how: str) -> int:
    command = [sys.executable, "-c", COUNT_PAGE_FAULTS, how]
    return int(subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's setting")
def test_an_image_does_not_pay_for_its_pages_each_time():
    assert page_faults("kept") < 0.1 * page_faults("default")
