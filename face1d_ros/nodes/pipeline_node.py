"""All stages in one process: the same topics as the graph, with arrays handed over directly between the stages."""

from __future__ import annotations

import sys
from typing import Any

from face1d_ros.errors import InvalidValueError
from face1d_ros.graph import PIPELINE, STAGES, NodeSpec
from face1d_ros.nodes.runner import run_node
from face1d_ros.nodes.stage_base import StageNode


class PipelineNode(StageNode):
    """Runs every stage, or those named by `stages`. Each stage's settings are parameters below its name."""

    def __init__(self, **options: Any) -> None:
        sections = {spec.stage: spec.config for spec in STAGES}
        super().__init__(PIPELINE, STAGES, sections, **options)

    def config_of(self, spec: NodeSpec) -> Any:
        """The stage's own section."""
        return self.section_configs[spec.stage]

    def set_up(self) -> None:
        """Take the stages that were chosen, in the order of the graph."""
        names = [name.strip() for name in self.config.stages.split(",") if name.strip()]
        known = [spec.stage for spec in STAGES]
        for name in names:
            if name not in known:
                raise InvalidValueError("stages", name, f"some of {', '.join(known)}")
        self._specs = tuple(spec for spec in STAGES if not names or spec.stage in names)
        super().set_up()


if __name__ == "__main__":
    sys.exit(run_node(PipelineNode))
