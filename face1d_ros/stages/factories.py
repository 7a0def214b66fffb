"""How the stage of each node of the graph is made. Imported when it is made: only what runs is loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from face1d_ros.stages.base import Stage


def _landmarks(config: Any) -> Stage:
    from face1d_ros.stages.landmarks import LandmarksStage

    return LandmarksStage(config)


def _smoothing(config: Any) -> Stage:
    from face1d_ros.stages.smoothing import SmoothingStage

    return SmoothingStage(config)


def _mesh(config: Any) -> Stage:
    from face1d_ros.stages.mesh import MeshStage

    return MeshStage(config)


def _expression(config: Any) -> Stage:
    from face1d_ros.stages.expression import ExpressionStage

    return ExpressionStage(config)


def _identity(config: Any) -> Stage:
    from face1d_ros.stages.identity import IdentityStage

    return IdentityStage(config)


FACTORIES: dict[str, Callable[[Any], Stage]] = {
    "landmarks_node": _landmarks,
    "smoothing_node": _smoothing,
    "mesh_node": _mesh,
    "expression_node": _expression,
    "identity_node": _identity,
}
