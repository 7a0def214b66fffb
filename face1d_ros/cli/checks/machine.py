"""Python, inference runtimes, cameras."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path

from face1d_ros.cli.checks.check import Check, Level, ProbeFailure, probe

OLDEST_PYTHON, NEWEST_PYTHON = (3, 10), (3, 12)


def python() -> Check:
    """The interpreter."""
    found = f"{platform.python_version()} at {sys.executable}"
    if OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON:
        return Check("Python", Level.OK, found, details=platform.python_version())
    return Check("Python", Level.PROBLEM, found, "MediaPipe with its models needs Python 3.10 to 3.12; install one")


def onnxruntime() -> Check:
    """ONNX Runtime and what it can run on."""
    answer = probe(
        "import json, onnxruntime as o; print(json.dumps({'version': o.__version__, 'p': o.get_available_providers()}))"
    )
    if isinstance(answer, ProbeFailure):
        return _absent("ONNX Runtime", answer, "no stage of this version needs it yet")
    found = f"{answer['version']}: {', '.join(name.removesuffix('ExecutionProvider') for name in answer['p'])}"
    return Check("ONNX Runtime", Level.OK, found, details=answer["p"])


def tensorrt() -> Check:
    """TensorRT, as JetPack brings it."""
    answer = probe("import json, tensorrt as t; t.Builder(t.Logger()); print(json.dumps(t.__version__))")
    if isinstance(answer, ProbeFailure):
        return _absent("TensorRT", answer, "the CPU is used; on a Jetson, JetPack brings it")
    return Check("TensorRT", Level.OK, str(answer), details=answer)


def cuda() -> Check:
    """An NVIDIA GPU."""
    tegra = Path("/proc/device-tree/model")
    if tegra.is_file() and "jetson" in (model := tegra.read_text(errors="replace").strip("\0")).lower():
        return Check("CUDA", Level.OK, model, details=model)
    if shutil.which("nvidia-smi") is None:
        return Check("CUDA", Level.NOTE, "no NVIDIA GPU", details=None)
    code = (
        "import json, subprocess; q = ['nvidia-smi', '--query-gpu=name,driver_version', '--format=csv,noheader'];"
        "print(json.dumps(subprocess.run(q, capture_output=True, text=True, check=True, timeout=20).stdout.strip()))"
    )
    answer = probe(code)
    if isinstance(answer, ProbeFailure):
        return Check("CUDA", Level.NOTE, "nvidia-smi is there, but answers nothing", "check the NVIDIA driver")
    return Check("CUDA", Level.OK, str(answer).replace("\n", "; "), details=answer)


def cameras() -> Check:
    """V4L2 devices, and whether this user may open them."""
    devices = sorted(Path("/dev").glob("video*"), key=lambda path: (len(path.name), path.name))
    if not devices:
        return Check("Cameras", Level.NOTE, "none; the built-in portrait, files and bags work without", details=[])
    closed = [str(device) for device in devices if not os.access(device, os.R_OK | os.W_OK)]
    names = ", ".join(f"{device} ({_camera_name(device)})" for device in devices)
    if closed:
        advice = f"no permission for {', '.join(closed)}: sudo usermod -aG video $USER, then log in again"
        return Check("Cameras", Level.WARNING, names, advice, [str(device) for device in devices])
    return Check("Cameras", Level.OK, names, details=[str(device) for device in devices])


def _camera_name(device: Path) -> str:
    try:
        return Path("/sys/class/video4linux", device.name, "name").read_text().strip()
    except OSError:
        return "name unknown"


def _absent(name: str, failure: ProbeFailure, consequence: str) -> Check:
    if "No module named" in failure.reason:
        return Check(name, Level.NOTE, f"not installed; {consequence}")
    return Check(name, Level.NOTE, f"installed, but does not work ({failure.reason}); {consequence}")
