"""Services and actions of stages: what is asked of them beside their topics, in a node of their own or the pipeline."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from face1d_ros.graph import IDENTITY, NodeSpec

if TYPE_CHECKING:
    from face1d_ros.nodes.base import FaceNode


class Offers(Protocol):
    """Of one stage. All is called by the executor's thread."""

    def start(self) -> None:
        """The node becomes active."""

    def stop(self) -> None:
        """The node is not active any more, and no frame comes; a second call does nothing."""

    def close(self) -> None:
        """Leave services and actions."""


def _identity(node: FaceNode, stage: Any) -> Offers:
    from face1d_ros.nodes.identity_services import IdentityOffers

    return IdentityOffers(node, stage)


OFFERS: dict[str, Callable[[FaceNode, Any], Offers]] = {IDENTITY.name: _identity}
"""By the node of the stage. Imported when it is made: only what runs is loaded."""


def make_offers(node: FaceNode, spec: NodeSpec, stage: Any) -> Offers | None:
    """What a stage offers; None for nothing."""
    return OFFERS[spec.name](node, stage) if spec.offers else None
