"""One side of a measurement of images between two processes: `publish` or `receive`, then width height count rate_hz.

The receiver writes one JSON line: {"received": …, "age_p50_ms": …, "age_p99_ms": …}.
"""

import json
import sys
import time

import numpy as np
import rclpy
from rclpy.node import Node
from sensor_msgs.msg import Image

from face1d_ros.nodes.camera_topics import ImageMessage
from face1d_ros.nodes.qos import image_qos

TOPIC = "image_flow"
QUIET_S = 3.0
DEPTH = 5
"""What is measured is the way between the processes: a busy machine may keep the receiver waiting for some frames."""


def publish(width: int, height: int, count: int, rate_hz: float) -> None:
    node = Node("image_flow_publisher")
    qos = image_qos()
    qos.depth = DEPTH
    publisher = node.create_publisher(Image, TOPIC, qos)
    deadline_s = time.monotonic() + 20.0
    while publisher.get_subscription_count() == 0 and time.monotonic() < deadline_s:
        time.sleep(0.02)
    time.sleep(0.3)
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    message = ImageMessage()
    start_s = time.monotonic()
    for index in range(count):
        time.sleep(max(0.0, start_s + index / rate_hz - time.monotonic()))
        publisher.publish(message.fill(image, node.get_clock().now().to_msg(), str(index)))
    time.sleep(0.5)


def receive(width: int, height: int, count: int, rate_hz: float) -> None:
    node = Node("image_flow_receiver")
    ages_ms: list[float] = []

    def on_image(message: Image) -> None:
        stamp = message.header.stamp
        assert (message.width, message.height, len(message.data)) == (width, height, width * height * 3)
        ages_ms.append(node.get_clock().now().nanoseconds * 1e-6 - stamp.sec * 1e3 - stamp.nanosec * 1e-6)

    qos = image_qos()
    qos.depth = DEPTH
    node.create_subscription(Image, TOPIC, on_image, qos)
    last_s, deadline_s = time.monotonic(), time.monotonic() + 25.0 + count / rate_hz
    while len(ages_ms) < count and time.monotonic() < deadline_s:
        before = len(ages_ms)
        rclpy.spin_once(node, timeout_sec=0.2)
        if len(ages_ms) != before or not ages_ms:
            last_s = time.monotonic()
        if time.monotonic() - last_s > QUIET_S:
            break
    p50, p99 = np.percentile(ages_ms, (50, 99)) if ages_ms else (0.0, 0.0)
    sys.stdout.write(json.dumps({"received": len(ages_ms), "age_p50_ms": p50, "age_p99_ms": p99}) + "\n")


if __name__ == "__main__":
    role, *numbers = sys.argv[1:]
    rclpy.init()
    width, height, count = map(int, numbers[:3])
    {"publish": publish, "receive": receive}[role](width, height, count, float(numbers[3]))
