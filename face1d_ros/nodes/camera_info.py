"""The camera's calibration, for stages that measure in metres."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sensor_msgs.msg import CameraInfo

from face1d_ros.errors import GeometryError
from face1d_ros.geometry.camera_model import PLUMB_BOB, Camera
from face1d_ros.graph import CAMERA_INFO
from face1d_ros.nodes.qos import image_qos, overriding

if TYPE_CHECKING:
    from rclpy.node import Node


class CameraInfoInput:
    """Listens to camera_info, whatever its reliability, and tells each change."""

    def __init__(self, node: Node, on_camera: Callable[[Camera | None], None]) -> None:
        self._node = node
        self._on_camera = on_camera
        self._before: tuple[Any, ...] = ()
        self._subscription = node.create_subscription(
            CameraInfo, CAMERA_INFO.name, self._on_message, image_qos(), qos_overriding_options=overriding()
        )

    def close(self) -> None:
        """Stop to listen."""
        self._node.destroy_subscription(self._subscription)

    def _on_message(self, message: CameraInfo) -> None:
        key = _numbers(message)
        if key == self._before:
            return
        self._before = key
        try:
            camera = camera_of(message)
        except GeometryError as error:
            self._node.get_logger().warning(f"camera_info is of no use, a field of view is assumed: {error}")
            camera = None
        self._on_camera(camera)


def camera_of(message: CameraInfo) -> Camera | None:
    """The camera of the images as they come, after binning and region of interest; None where it is not calibrated."""
    k = [float(value) for value in message.k]
    if k[0] == 0.0:
        return None
    binning = max(int(message.binning_x), 1), max(int(message.binning_y), 1)
    roi = message.roi
    whole = roi.width == 0 or roi.height == 0
    size = (message.width, message.height) if whole else (roi.width, roi.height)
    # The centre of pixel 0 is 0: binned by b, pixel 0 covers -0.5 to b - 0.5 of the full image.
    centre = [
        (c - o + 0.5) / b - 0.5 for c, o, b in zip((k[2], k[5]), (roi.x_offset, roi.y_offset), binning, strict=True)
    ]
    return Camera(
        size[0] // binning[0],
        size[1] // binning[1],
        (k[0] / binning[0], k[4] / binning[1]),
        (centre[0], centre[1]),
        message.distortion_model or PLUMB_BOB,
        tuple(float(value) for value in message.d),
    )


def _numbers(message: CameraInfo) -> tuple[Any, ...]:
    """What a camera is made of, to tell a change; most messages bring none."""
    roi = message.roi
    region = (roi.x_offset, roi.y_offset, roi.width, roi.height)
    size = (message.width, message.height, message.binning_x, message.binning_y)
    return (*size, *region, message.distortion_model, tuple(message.d), tuple(message.k))
