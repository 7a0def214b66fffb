"""`face1d/landmarks` and `camera_info` in, `face1d/mesh` out: 3D coefficients, head pose and asymmetry."""

from __future__ import annotations

import sys
from typing import Any

from face1d_ros.graph import MESH
from face1d_ros.nodes.runner import run_node
from face1d_ros.nodes.stage_base import StageNode


class MeshNode(StageNode):
    """Tells what a head's landmarks mean in space."""

    def __init__(self, **options: Any) -> None:
        super().__init__(MESH, (MESH,), **options)


if __name__ == "__main__":
    sys.exit(run_node(MeshNode))
