"""Quality of service of every topic: what it is by default, and that parameters may change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rclpy.qos import QoSHistoryPolicy, QoSPolicyKind, QoSProfile, QoSReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions

from face1d_ros.graph import COEFFICIENT_BARS, EXPRESSION_EVENTS, IMAGE, LANDMARK_MARKERS, MESH_MARKERS, OVERLAY

if TYPE_CHECKING:
    from rclpy.node import Node
    from rclpy.publisher import Publisher

OVERRIDABLE = (
    QoSPolicyKind.HISTORY,
    QoSPolicyKind.DEPTH,
    QoSPolicyKind.RELIABILITY,
    QoSPolicyKind.DURABILITY,
)

VIEWED = {topic.name for topic in (OVERLAY, LANDMARK_MARKERS, MESH_MARKERS, COEFFICIENT_BARS)}


def image_qos() -> QoSProfile:
    """Best effort, keep last 5: the mailbox keeps the newest and counts the others, which DDS would lose unseen."""
    return QoSProfile(history=QoSHistoryPolicy.KEEP_LAST, depth=5, reliability=QoSReliabilityPolicy.BEST_EFFORT)


def result_qos() -> QoSProfile:
    """Reliable, keep last 5: small messages that should all arrive."""
    return QoSProfile(history=QoSHistoryPolicy.KEEP_LAST, depth=5, reliability=QoSReliabilityPolicy.RELIABLE)


def view_qos() -> QoSProfile:
    """Reliable, keep last 1: serves listeners of either kind (RViz asks for reliable), and only the newest matters."""
    return QoSProfile(history=QoSHistoryPolicy.KEEP_LAST, depth=1, reliability=QoSReliabilityPolicy.RELIABLE)


def event_qos() -> QoSProfile:
    """Reliable, keep last 50: one frame may bring several, and none is told twice."""
    return QoSProfile(history=QoSHistoryPolicy.KEEP_LAST, depth=50, reliability=QoSReliabilityPolicy.RELIABLE)


def default_qos(topic: str) -> QoSProfile:
    """The profile of a topic of the graph, by its name before remapping."""
    if topic == IMAGE.name:
        return image_qos()
    if topic == EXPRESSION_EVENTS.name:
        return event_qos()
    return view_qos() if topic in VIEWED else result_qos()


def overriding() -> QoSOverridingOptions:
    """Declares `qos_overrides./topic.subscription.reliability` and its like."""
    return QoSOverridingOptions(OVERRIDABLE)


def create_publisher(node: Node, message_type: type, topic: str) -> Publisher:
    """A publisher on a topic of the graph, with its default profile and the parameters that change it."""
    options: dict[str, Any] = {"qos_overriding_options": overriding()}
    return node.create_publisher(message_type, topic, default_qos(topic), **options)
