"""The camera's calibration, for stages that measure in metres."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sensor_msgs.msg import CameraInfo

from face1d_ros.convert.camera_info import camera_of
from face1d_ros.errors import GeometryError
from face1d_ros.geometry.camera_model import Camera
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


def _numbers(message: CameraInfo) -> tuple[Any, ...]:
    """What a camera is made of, to tell a change; most messages bring none."""
    roi = message.roi
    region = (roi.x_offset, roi.y_offset, roi.width, roi.height)
    size = (message.width, message.height, message.binning_x, message.binning_y)
    return (*size, *region, message.distortion_model, tuple(message.d), tuple(message.k))
