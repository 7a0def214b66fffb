"""Images in, `face1d/landmarks_raw` out: the face detector and tracker as a node."""

from __future__ import annotations

import sys
from typing import Any

from face1d_ros.graph import LANDMARKS
from face1d_ros.nodes.runner import run_node
from face1d_ros.nodes.stage_base import StageNode


class LandmarksNode(StageNode):
    """Finds faces and their landmarks, and tracks them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(LANDMARKS, (LANDMARKS,), **options)


if __name__ == "__main__":
    sys.exit(run_node(LandmarksNode))
