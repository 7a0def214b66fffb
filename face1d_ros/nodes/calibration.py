"""A camera's calibration, as ROS's camera_calibration writes it, as a CameraInfo message."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sensor_msgs.msg import CameraInfo

from face1d_ros.config import read_yaml
from face1d_ros.errors import ConfigFileError, InvalidValueError

DISTORTION_COUNTS = {"plumb_bob": (5,), "rational_polynomial": (8,), "equidistant": (4,)}
"""Number of coefficients of each model of sensor_msgs/distortion_models."""


def uncalibrated(width: int, height: int) -> CameraInfo:
    """The size alone; zeros in K say "not calibrated", as sensor_msgs/CameraInfo asks for."""
    return CameraInfo(width=width, height=height)


def load_calibration(path: str, width: int, height: int) -> CameraInfo:
    """The calibration in a file, which must be for images of this size."""
    document = read_yaml(path)
    if not isinstance(document, dict):
        raise ConfigFileError(path, "expected what camera_calibration writes: image_width, camera_matrix, …")
    size = (_get(path, document, "image_width", int), _get(path, document, "image_height", int))
    if size != (width, height):
        raise InvalidValueError(
            "calibration",
            f"{path}, made for {size[0]}×{size[1]} px",
            f"one for the source's images of {width}×{height} px; calibrate at this size, or set width and height",
        )
    model = _get(path, document, "distortion_model", str)
    distortion = _numbers(path, document, "distortion_coefficients")
    if len(distortion) not in DISTORTION_COUNTS.get(model, (len(distortion),)):
        expected = " or ".join(map(str, DISTORTION_COUNTS[model]))
        raise ConfigFileError(path, f"distortion_coefficients: got {len(distortion)}, '{model}' has {expected}")
    info = CameraInfo(width=width, height=height, distortion_model=model, d=distortion)
    info.k = _numbers(path, document, "camera_matrix", 9)
    info.r = _numbers(path, document, "rectification_matrix", 9)
    info.p = _numbers(path, document, "projection_matrix", 12)
    if info.k[0] <= 0.0 or info.k[4] <= 0.0:
        raise ConfigFileError(path, "camera_matrix: expected focal lengths above 0 at its first and fifth place")
    return info


def _get(path: str, document: Mapping[str, Any], key: str, kind: type) -> Any:
    value = document.get(key)
    if type(value) is not kind:
        raise ConfigFileError(path, f"{key}: got {value!r}, expected {kind.__name__}")
    return value


def _numbers(path: str, document: Mapping[str, Any], key: str, count: int | None = None) -> list[float]:
    section = document.get(key)
    data = section.get("data") if isinstance(section, dict) else None
    finite = isinstance(data, list) and all(
        isinstance(x, (int, float)) and not isinstance(x, bool) and math.isfinite(x) for x in data
    )
    if not isinstance(data, list) or not finite or (count is not None and len(data) != count):
        amount = "numbers" if count is None else f"{count} numbers"
        raise ConfigFileError(path, f"{key}.data: got {data!r}, expected {amount}")
    return [float(x) for x in data]
