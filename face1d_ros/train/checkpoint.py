"""A network on disk: its weights as safetensors, and what it is and comes from in the same file's header. No pickle."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from face1d_ros.errors import CheckpointError
from face1d_ros.nets.families import make_network
from face1d_ros.nets.network import StreamingNetwork
from face1d_ros.train.state import load_state, save_state

FAMILY, CONFIG, FACTS = "family", "config", "facts"


def save_checkpoint(path: Path, network: StreamingNetwork, facts: Mapping[str, Any]) -> None:
    """`facts` are fields of a bundle's manifest: what it was trained on and how. Whole or not at all."""
    header = {
        FAMILY: network.family,
        CONFIG: json.dumps(dataclasses.asdict(network.config)),
        FACTS: json.dumps(dict(facts)),
    }
    save_state(path, network.state_dict(), header)


def load_checkpoint(path: Path) -> tuple[StreamingNetwork, dict[str, Any]]:
    """The network and the facts."""
    header, weights = load_state(path)
    try:
        network = make_network(header[FAMILY], json.loads(header[CONFIG]))
        facts = json.loads(header[FACTS])
    except (ValueError, TypeError) as error:
        raise CheckpointError(path, str(error) or type(error).__name__) from error
    except KeyError as error:
        raise CheckpointError(path, f"its header has no {error}") from error
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointError(path, str(error)) from error
    return network, facts
