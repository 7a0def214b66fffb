"""Which threads a process of ours has."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

COUNT = """
import face1d_ros, numpy, os
many = numpy.ones((600, 600))
many @ many
print(len(os.listdir("/proc/self/task")))
"""


def threads(**environment: str) -> int:
    """Of a process that has imported the package and multiplied large matrices."""
    own = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    paths = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", COUNT], env=own | paths | environment, capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core has no other threads")
def test_matrix_products_wake_no_thread_unless_the_user_wants_so() -> None:
    assert threads() == 1
    assert threads(OPENBLAS_NUM_THREADS="2") == 2
