"""Images for a stage whose input is something else: kept for a moment, while they are wanted, and found by stamp."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from face1d_ros.errors import ConversionError, ImageError
from face1d_ros.graph import IMAGE
from face1d_ros.nodes.input import make_input, to_item
from face1d_ros.types import Frame

if TYPE_CHECKING:
    from rclpy.node import Node

MOST = 16
"""Images that wait for what is made of them: half a second at 30 Hz."""
NS = 1_000_000_000


class ImagesBeside:
    """Messages come in the executor's thread, and are asked for by the worker's; only those that match are decoded."""

    def __init__(self, node: Node, transport: str, is_wanted: Callable[[], bool]) -> None:
        """Listens from the beginning: who asks later would miss the first images."""
        self._is_wanted = is_wanted
        self._messages: OrderedDict[int, Any] = OrderedDict()
        self._lock = threading.Lock()
        self._logger = node.get_logger()
        self._input = make_input(node, IMAGE, transport, self._on_message)
        self._input.open()

    def frame_of(self, stamp_ns: int) -> Frame | None:
        """The image of exactly this stamp, if it came and can be read; those before it are let go."""
        with self._lock:
            if not self._is_wanted():
                self._messages.clear()
            message = self._messages.pop(stamp_ns, None)
            for older in [one for one in self._messages if one < stamp_ns]:
                del self._messages[older]
        if message is None:
            return None
        try:
            frame: Frame = to_item(message)
        except (ImageError, ConversionError) as error:
            self._logger.warning(f"an image beside the landmarks is refused: {error}", throttle_duration_sec=5.0)
            return None
        return frame

    def close(self) -> None:
        """Stop to listen."""
        self._input.close()
        with self._lock:
            self._messages.clear()

    def _on_message(self, message: Any) -> None:
        stamp = message.header.stamp
        with self._lock:
            if not self._is_wanted():
                self._messages.clear()
                return
            self._messages[stamp.sec * NS + stamp.nanosec] = message
            while len(self._messages) > MOST:
                self._messages.popitem(last=False)
