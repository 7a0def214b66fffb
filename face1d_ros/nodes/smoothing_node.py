"""`face1d/landmarks_raw` in, `face1d/landmarks` out: landmarks steadied over time."""

from __future__ import annotations

import sys
from typing import Any

from face1d_ros.graph import SMOOTHING
from face1d_ros.nodes.runner import run_node
from face1d_ros.nodes.stage_base import StageNode


class SmoothingNode(StageNode):
    """Steadies landmarks, and bridges short losses."""

    def __init__(self, **options: Any) -> None:
        super().__init__(SMOOTHING, (SMOOTHING,), **options)


if __name__ == "__main__":
    sys.exit(run_node(SmoothingNode))
