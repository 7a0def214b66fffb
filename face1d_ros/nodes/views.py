"""Topics beside a stage's result: what is always there, and what people look at, made only while somebody listens."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from rclpy.publisher import Publisher
from rclpy.time import Time
from sensor_msgs.msg import Image
from visualization_msgs.msg import MarkerArray

from face1d_ros.convert import to_message
from face1d_ros.drawing import draw_faces
from face1d_ros.graph import (
    COEFFICIENT_BARS,
    EXPRESSION_EVENTS,
    HEAD_POSES,
    LANDMARK_MARKERS,
    MESH_MARKERS,
    OVERLAY,
    SHOWN,
    NodeSpec,
)
from face1d_ros.msg import FaceExpressionEvent
from face1d_ros.nodes.camera_topics import ImageMessage
from face1d_ros.nodes.markers import FaceMarkers
from face1d_ros.nodes.mesh_views import CoefficientBars, HeadPoses, MeshMarkers
from face1d_ros.nodes.qos import create_publisher
from face1d_ros.types import FaceExpressionArray, FaceLandmarksArray, Frame

if TYPE_CHECKING:
    from rclpy.node import Node


class View(Protocol):
    """One topic beside the result."""

    publishers: tuple[Publisher, ...]

    def show(self, given: Any, result: Any) -> None:
        """Make the message of what a stage was given and what came of it, and publish it."""


class Overlay:
    """The image with the faces drawn onto it, with the image's own header."""

    def __init__(self, node: Node) -> None:
        self.publishers = (create_publisher(node, Image, OVERLAY.name),)
        self._message = ImageMessage()

    def show(self, frame: Frame, result: FaceLandmarksArray) -> None:
        """Draw and publish."""
        stamp = Time(nanoseconds=frame.header.stamp_ns).to_msg()
        self.publishers[0].publish(self._message.fill(draw_faces(frame.image, result), stamp, frame.header.frame_id))


class Markers:
    """The mesh of every face for RViz."""

    def __init__(self, node: Node) -> None:
        self.publishers = (create_publisher(node, MarkerArray, LANDMARK_MARKERS.name),)
        self._faces = FaceMarkers()

    def show(self, frame: Frame, result: FaceLandmarksArray) -> None:
        """Mark and publish."""
        self.publishers[0].publish(self._faces.message(result))


class ExpressionEvents:
    """Each phase that begins, as a message of its own."""

    def __init__(self, node: Node) -> None:
        self.publishers = (create_publisher(node, FaceExpressionEvent, EXPRESSION_EVENTS.name),)

    def show(self, given: Any, result: FaceExpressionArray) -> None:
        """In the order in which the result has them."""
        for event in result.events:
            self.publishers[0].publish(to_message(event))


VIEWS: dict[str, Callable[[Node], View]] = {
    OVERLAY.name: Overlay,
    LANDMARK_MARKERS.name: Markers,
    HEAD_POSES.name: HeadPoses,
    MESH_MARKERS.name: MeshMarkers,
    COEFFICIENT_BARS.name: CoefficientBars,
    EXPRESSION_EVENTS.name: ExpressionEvents,
}
"""How these topics are made, by name. Each shows the frame and the result it comes from."""


class Views:
    """The topics of one stage beside its result."""

    def __init__(self, node: Node, spec: NodeSpec) -> None:
        self._node = node
        self._input, self._output = spec.subscribes[0].name, spec.publishes[0].name
        beside = spec.publishes[1:]
        self._views = [VIEWS[topic.name](node) for topic in beside if topic.optional]
        self._always = [VIEWS[topic.name](node) for topic in beside if not topic.optional]

    @property
    def wanted(self) -> bool:
        """Whether somebody listens to one of them. Costs a microsecond."""
        return any(map(_has_listener, (*self._views, *self._always)))

    def publish(self, given: Any, result: Any) -> None:
        """What is always there, of the stage's input and output."""
        for view in self._always:
            view.show(given, result)

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
            if _has_listener(view):
                view.show(given, result)

    def close(self) -> None:
        """Leave the topics."""
        views, self._views, self._always = (*self._views, *self._always), [], []
        for view in views:
            for publisher in view.publishers:
                self._node.destroy_publisher(publisher)


def _has_listener(view: View) -> bool:
    return any(publisher.get_subscription_count() for publisher in view.publishers)
