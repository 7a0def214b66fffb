"""What people look at: the faces drawn onto the image, and their mesh for RViz. Made only while somebody listens."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from rclpy.publisher import Publisher
from rclpy.time import Time
from sensor_msgs.msg import Image
from visualization_msgs.msg import MarkerArray

from face1d_ros.drawing import draw_faces
from face1d_ros.graph import COEFFICIENT_BARS, HEAD_POSES, LANDMARK_MARKERS, MESH_MARKERS, OVERLAY, SHOWN, NodeSpec
from face1d_ros.nodes.camera_topics import ImageMessage
from face1d_ros.nodes.markers import FaceMarkers
from face1d_ros.nodes.mesh_views import CoefficientBars, HeadPoses, MeshMarkers
from face1d_ros.nodes.qos import create_publisher
from face1d_ros.types import FaceLandmarksArray, Frame

if TYPE_CHECKING:
    from rclpy.node import Node


class View(Protocol):
    """One topic for people."""

    publisher: Publisher

    def show(self, given: Any, result: Any) -> None:
        """Make the message of what a stage was given and what came of it, and publish it."""


class Overlay:
    """The image with the faces drawn onto it, with the image's own header."""

    def __init__(self, node: Node) -> None:
        self.publisher = create_publisher(node, Image, OVERLAY.name)
        self._message = ImageMessage()

    def show(self, frame: Frame, result: FaceLandmarksArray) -> None:
        """Draw and publish."""
        stamp = Time(nanoseconds=frame.header.stamp_ns).to_msg()
        self.publisher.publish(self._message.fill(draw_faces(frame.image, result), stamp, frame.header.frame_id))


class Markers:
    """The mesh of every face for RViz."""

    def __init__(self, node: Node) -> None:
        self.publisher = create_publisher(node, MarkerArray, LANDMARK_MARKERS.name)
        self._faces = FaceMarkers()

    def show(self, frame: Frame, result: FaceLandmarksArray) -> None:
        """Mark and publish."""
        self.publisher.publish(self._faces.message(result))


VIEWS: dict[str, Callable[[Node], View]] = {
    OVERLAY.name: Overlay,
    LANDMARK_MARKERS.name: Markers,
    HEAD_POSES.name: HeadPoses,
    MESH_MARKERS.name: MeshMarkers,
    COEFFICIENT_BARS.name: CoefficientBars,
}
"""How the optional topics of the graph are made, by name. Each shows the frame and the result it comes from."""


class Views:
    """The optional topics of one stage."""

    def __init__(self, node: Node, spec: NodeSpec) -> None:
        self._node = node
        self._input, self._output = spec.subscribes[0].name, spec.publishes[0].name
        self._views = [VIEWS[topic.name](node) for topic in spec.publishes if topic.optional]

    @property
    def wanted(self) -> bool:
        """Whether somebody listens to one of them. Costs a microsecond."""
        return any(view.publisher.get_subscription_count() for view in self._views)

    def show(self, values: dict[str, Any]) -> None:
        """Make what somebody listens to, from the input and output of the stage, by topic.

        Where steady landmarks of the frame are there too, as in the pipeline, these are shown.
        """
        if not self._views:
            return
        if self._output not in values:
            return
        given, result = values[self._input], values[self._output]
        for topic in SHOWN if isinstance(result, FaceLandmarksArray) else ():
            later = values.get(topic.name)
            if isinstance(later, FaceLandmarksArray) and later.header.stamp_ns == result.header.stamp_ns:
                result = later
                break
        for view in self._views:
            if view.publisher.get_subscription_count():
                view.show(given, result)

    def close(self) -> None:
        """Leave the topics."""
        views, self._views = self._views, []
        for view in views:
            self._node.destroy_publisher(view.publisher)
