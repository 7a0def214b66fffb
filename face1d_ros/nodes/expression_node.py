"""`face1d/mesh` or `face1d/landmarks` in, `face1d/expression` and its events out: expressions with their phases."""

from __future__ import annotations

import sys
from typing import Any

from face1d_ros.graph import EXPRESSION
from face1d_ros.nodes.runner import run_node
from face1d_ros.nodes.stage_base import StageNode


class ExpressionNode(StageNode):
    """Tells what a face expresses, how strongly, and in which phase."""

    def __init__(self, **options: Any) -> None:
        super().__init__(EXPRESSION, (EXPRESSION,), **options)


if __name__ == "__main__":
    sys.exit(run_node(ExpressionNode))
