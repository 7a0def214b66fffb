"""The one place that imports TensorRT, from 10.3 (JetPack 6) to 11, and what an engine built with it depends on."""

from __future__ import annotations

import importlib.util
import platform
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

from face1d_ros.engines.tensorrt_cuda import NAME, Device
from face1d_ros.errors import EngineError, MissingDependencyError

OLDEST = (10, 0)
"""Strongly typed networks that are parsed from ONNX, on GPUs from Turing and on every Orin."""
KEPT_MESSAGES = 5
FAILURES = (RuntimeError, ValueError, TypeError, AttributeError, MemoryError, BufferError)
"""What the bindings raise; most failures are a None or a False instead, with the reason in the log."""


@dataclass(frozen=True)
class Platform:
    """What an engine built on one machine needs to find on another."""

    tensorrt: str
    cuda: str
    """The newest that the driver knows."""
    capability: str
    gpu: str
    architecture: str


def installed() -> bool:
    """Whether it is worth trying; imports nothing."""
    return importlib.util.find_spec("tensorrt") is not None


def load() -> Any:
    """The module `tensorrt`."""
    try:
        import tensorrt
    except (ImportError, OSError) as error:
        raise MissingDependencyError(
            f"TensorRT ({error})",
            "its engine",
            "JetPack brings it (a virtual environment needs --system-site-packages); elsewhere: pip install tensorrt",
        ) from error
    version = str(getattr(tensorrt, "__version__", "0"))
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < OLDEST:
        raise EngineError(NAME, f"version {version} is too old; 10.3 is the oldest it was written for")
    return tensorrt


def platform_of(trt: Any, device: Device) -> Platform:
    """That of the machine we are on."""
    return Platform(str(trt.__version__), device.cuda, device.capability, device.name, platform.machine())


def make_log(trt: Any) -> Any:
    """A logger that keeps the last errors, to say why something failed. Keep it alive: TensorRT does not."""

    class Log(trt.ILogger):
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.messages: deque[str] = deque(maxlen=KEPT_MESSAGES)

        def log(self, severity: Any, msg: str) -> None:
            """Called by TensorRT, in any thread."""
            if int(severity) <= int(trt.ILogger.Severity.ERROR):
                self.messages.append(msg)

        def reason(self) -> str:
            """In a line."""
            return "; ".join(self.messages) or "TensorRT gave no reason"

    return Log()


def dtype_of(trt: Any, dtype: Any) -> str:
    """A type of TensorRT under the name that a manifest gives it."""
    try:
        return np.dtype(trt.nptype(dtype)).name
    except TypeError:
        return str(dtype)
