"""`face1d/landmarks` in, `face1d/identity` out: who made which enrolled motion, where somebody asks for it."""

from __future__ import annotations

import sys
from typing import Any

from face1d_ros.graph import IDENTITY
from face1d_ros.nodes.runner import run_node
from face1d_ros.nodes.stage_base import StageNode


class IdentityNode(StageNode):
    """Enrols people by a motion of their face, and recognises them by it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(IDENTITY, (IDENTITY,), **options)


if __name__ == "__main__":
    sys.exit(run_node(IdentityNode))
