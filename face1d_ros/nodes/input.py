"""Subscriptions to what stages take, which know why nothing comes through them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rclpy.qos import QoSCompatibility, QoSProfile, qos_check_compatible, qos_policy_name_from_kind
from sensor_msgs.msg import CompressedImage, Image

from face1d_ros import msg as messages
from face1d_ros.convert import compressed_to_frame, from_message, image_to_frame
from face1d_ros.graph import IMAGE, Topic
from face1d_ros.nodes.qos import default_qos, overriding

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ModuleNotFoundError:  # Humble
    from rclpy.qos_event import SubscriptionEventCallbacks

if TYPE_CHECKING:
    from rclpy.node import Node
    from rclpy.subscription import Subscription

RAW, COMPRESSED = "raw", "compressed"


class Input:
    """One topic to listen to, opened and closed as often as needed."""

    def __init__(
        self, node: Node, message_type: type, topic: str, qos: QoSProfile, on_message: Callable[[Any], None]
    ) -> None:
        """`topic` may be relative; `qos` is what parameters may override."""
        self._node = node
        self._type = message_type
        self._qos = qos
        self._on_message = on_message
        self._subscription: Subscription | None = None
        self._refused_policy = ""
        self.topic = node.resolve_topic_name(topic)

    @property
    def is_open(self) -> bool:
        """Whether it listens."""
        return self._subscription is not None

    def open(self) -> None:
        """Begin to listen."""
        if self._subscription is None:
            self._subscription = self._node.create_subscription(
                self._type,
                self.topic,
                self._on_message,
                self._qos,
                event_callbacks=SubscriptionEventCallbacks(incompatible_qos=self._on_incompatible),
                qos_overriding_options=overriding(),
            )

    def close(self) -> None:
        """Stop to listen."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None
            self._refused_policy = ""

    def obstacle(self) -> tuple[bool, str]:
        """(is it an error, why nothing can come); ('' if a matching publisher is there).

        Asks the ROS graph, so it also works while the executor is stuck.
        """
        publishers = self._node.get_publishers_info_by_topic(self.topic)
        if not publishers:
            return False, f"no publisher on {self.topic}"
        wanted = self._type_name()
        of_type = [publisher for publisher in publishers if publisher.topic_type == wanted]
        if not of_type:
            return True, f"{self.topic} carries {publishers[0].topic_type}, not {wanted}"
        for publisher in of_type:
            compatibility, reason = qos_check_compatible(publisher.qos_profile, self._qos)
            if compatibility != QoSCompatibility.ERROR:
                return False, ""
        named = self._refused_policy or reason.removeprefix("ERROR: ").rstrip("; ")
        by = f"{publisher.node_namespace.rstrip('/')}/{publisher.node_name}"
        return True, (
            f"quality of service of the publisher {by} on {self.topic} does not match: {named}; "
            f"set qos_overrides.{self.topic}.subscription.* to what it offers"
        )

    def _on_incompatible(self, event: Any) -> None:
        self._refused_policy = f"policy {qos_policy_name_from_kind(event.last_policy_kind)}"
        self._node.get_logger().warning(
            f"A publisher on {self.topic} offers another quality of service ({self._refused_policy}): "
            "nothing will come from it.",
            throttle_duration_sec=10.0,
        )

    def _type_name(self) -> str:
        package, kind = self._type.__module__.split(".")[:2]
        return f"{package}/{kind}/{self._type.__name__}"


def make_input(node: Node, topic: Topic, transport: str, on_message: Callable[[Any], None]) -> Input:
    """The input for a topic of the graph; compressed images come from the topic that image_transport gives them."""
    qos = default_qos(topic.name)
    if topic is not IMAGE:
        message_type = getattr(messages, topic.type.rsplit("/", 1)[1])
        return Input(node, message_type, topic.name, qos, on_message)
    if transport == COMPRESSED:
        return Input(node, CompressedImage, f"{node.resolve_topic_name(topic.name)}/compressed", qos, on_message)
    return Input(node, Image, topic.name, qos, on_message)


def to_item(message: Any) -> Any:
    """What a stage takes, from what a subscription gives. Raises ImageError or ConversionError."""
    if isinstance(message, Image):
        return image_to_frame(message)
    if isinstance(message, CompressedImage):
        return compressed_to_frame(message)
    return from_message(message)
