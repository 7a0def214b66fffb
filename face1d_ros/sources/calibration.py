"""A camera's calibration, as ROS's camera_calibration writes it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from face1d_ros.errors import ConfigFileError, GeometryError, InvalidValueError
from face1d_ros.geometry.camera_model import COEFFICIENTS, Camera, calibrated_camera
from face1d_ros.parameter_file import read_yaml


@dataclass(frozen=True)
class Calibration:
    """The fields of CameraInfo."""

    width: int
    height: int
    distortion_model: str
    d: tuple[float, ...]
    k: tuple[float, ...]
    """(9,) camera matrix, row by row."""
    r: tuple[float, ...]
    """(9,) rectification."""
    p: tuple[float, ...]
    """(12,) projection."""

    @property
    def camera(self) -> Camera:
        """As stages measure with. Raises GeometryError for a distortion model that is not known."""
        size, focal, centre = (self.width, self.height), (self.k[0], self.k[4]), (self.k[2], self.k[5])
        camera = calibrated_camera(size, focal, centre, self.distortion_model, self.d)
        if camera is None:
            raise GeometryError("camera matrix", self.k, "focal lengths above 0")
        return camera


def load_calibration(path: str, width: int, height: int) -> Calibration:
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
    if len(distortion) != COEFFICIENTS.get(model, len(distortion)):
        expected = COEFFICIENTS[model]
        raise ConfigFileError(path, f"distortion_coefficients: got {len(distortion)}, '{model}' has {expected}")
    k = _numbers(path, document, "camera_matrix", 9)
    r = _numbers(path, document, "rectification_matrix", 9)
    p = _numbers(path, document, "projection_matrix", 12)
    if k[0] <= 0.0 or k[4] <= 0.0:
        raise ConfigFileError(path, "camera_matrix: expected focal lengths above 0 at its first and fifth place")
    return Calibration(width, height, model, distortion, k, r, p)


def _get(path: str, document: Mapping[str, Any], key: str, kind: type) -> Any:
    value = document.get(key)
    if type(value) is not kind:
        raise ConfigFileError(path, f"{key}: got {value!r}, expected {kind.__name__}")
    return value


def _numbers(path: str, document: Mapping[str, Any], key: str, count: int | None = None) -> tuple[float, ...]:
    section = document.get(key)
    data = section.get("data") if isinstance(section, dict) else None
    finite = isinstance(data, list) and all(
        isinstance(x, (int, float)) and not isinstance(x, bool) and math.isfinite(x) for x in data
    )
    if not isinstance(data, list) or not finite or (count is not None and len(data) != count):
        amount = "numbers" if count is None else f"{count} numbers"
        raise ConfigFileError(path, f"{key}.data: got {data!r}, expected {amount}")
    return tuple(float(x) for x in data)
