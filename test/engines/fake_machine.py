"""A machine with a GPU and TensorRT, for tests: the stand-ins where the real things would be found."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from engines.fake_cuda import FakeCuda
from engines.fake_tensorrt import FAULTS, OLD, FakeTensorRt

from face1d_ros.engines import tensorrt_cuda

TESTS = Path(__file__).parents[1]
SHIM = """
    import sys
    from engines.fake_cuda import FakeCuda
    from engines.fake_tensorrt import FakeTensorRt
    from face1d_ros.engines import tensorrt_cuda

    cuda = FakeCuda()
    tensorrt_cuda.open_library = lambda: cuda
    sys.modules[__name__] = FakeTensorRt(cuda, {version!r})
"""


class FakeMachine:
    """Where this process, and with `for_children` its children, find TensorRT and a driver."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self._patch = folder, monkeypatch
        self.cuda: Any = None
        self.trt: Any = None
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        self.become()

    def become(self, version: str = OLD, **device: Any) -> None:
        """Another version of TensorRT, another GPU."""
        self.cuda = FakeCuda(**device)
        self.trt = FakeTensorRt(self.cuda, version)
        self._patch.setitem(sys.modules, "tensorrt", self.trt)
        self._patch.setattr(tensorrt_cuda, "open_library", lambda: self.cuda)
        tensorrt_cuda.device.cache_clear()

    def for_children(self, faults: str = "") -> None:
        """Child processes get the same version, on a GPU of their own."""
        shims = self._folder / "shims"
        shims.mkdir(exist_ok=True)
        text = textwrap.dedent(SHIM).format(version=self.trt.__version__)
        (shims / "tensorrt.py").write_text(text, encoding="utf-8")
        self._patch.setenv("PYTHONPATH", f"{shims}:{TESTS}")
        self._patch.setenv(FAULTS, faults)
