"""The checks of `face1d doctor`, one function each, in the order a person would look."""

from __future__ import annotations

from collections.abc import Iterator

from face1d_ros.cli.checks import machine, models, ros, shared_memory, vision
from face1d_ros.cli.checks.check import Check, Level

__all__ = ["Check", "Level", "all_checks"]


def all_checks() -> Iterator[Check]:
    """Run every check. None raises; a failed check is a result."""
    yield machine.python()
    yield from ros.distribution()
    yield ros.middleware()
    yield ros.interfaces()
    yield vision.opencv()
    yield vision.mediapipe()
    yield machine.onnxruntime()
    yield machine.tensorrt()
    yield machine.cuda()
    yield machine.cameras()
    yield shared_memory.room()
    yield shared_memory.left_over()
    yield from models.bundles()
