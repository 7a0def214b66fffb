"""Frames as the two topics of a ROS camera, without allocating: one message and one buffer, filled again and again."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rclpy.time import Time
from sensor_msgs.msg import CameraInfo, Image

from face1d_ros.graph import CAMERA_INFO, IMAGE
from face1d_ros.nodes.qos import create_publisher

if TYPE_CHECKING:
    from rclpy.node import Node


class ImageMessage:
    """An rgb8 message. What `fill` returns is valid until it is called again: publish it at once."""

    def __init__(self) -> None:
        self._message = Image(encoding="rgb8")
        self._buffer: NDArray[np.uint8] = np.empty((0, 0, 3), np.uint8)

    def fill(self, image: NDArray[np.uint8], stamp: Any, frame_id: str) -> Image:
        """`image` is (height, width, 3) RGB."""
        message = self._message
        if image.shape != self._buffer.shape:
            message.data = array("B", bytes(image.size))
            # Of the message's own array: whether it keeps or copies what it is given depends on the distribution.
            self._buffer = np.frombuffer(message.data, np.uint8).reshape(image.shape)
            message.height, message.width = image.shape[:2]
            message.step = 3 * image.shape[1]
        np.copyto(self._buffer, image)
        message.header.stamp = stamp
        message.header.frame_id = frame_id
        return message


class CameraTopics:
    """`camera/image_raw` and `camera/camera_info`, with the same stamps."""

    def __init__(self, node: Node, info: CameraInfo) -> None:
        self.info = info
        self._node = node
        self._image = ImageMessage()
        self._images = create_publisher(node, Image, IMAGE.name)
        self._infos = create_publisher(node, CameraInfo, CAMERA_INFO.name)

    @property
    def image_topic(self) -> str:
        """Its full name."""
        return str(self._images.topic_name)

    @property
    def has_listener(self) -> bool:
        """Whether somebody has subscribed to the images."""
        return bool(self._images.get_subscription_count())

    def publish(self, image: NDArray[np.uint8], stamp_ns: int, frame_id: str) -> None:
        """`image` is (height, width, 3) RGB."""
        stamp = Time(nanoseconds=stamp_ns).to_msg()
        self._images.publish(self._image.fill(image, stamp, frame_id))
        self.info.header.stamp, self.info.header.frame_id = stamp, frame_id
        self._infos.publish(self.info)

    def close(self) -> None:
        """Leave the topics."""
        self._node.destroy_publisher(self._images)
        self._node.destroy_publisher(self._infos)
