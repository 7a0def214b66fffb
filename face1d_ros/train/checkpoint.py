"""A network on disk: its weights as safetensors, and what it is and comes from in the same file's header. No pickle."""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from face1d_ros.errors import CheckpointError
from face1d_ros.nets.families import make_network
from face1d_ros.nets.network import StreamingNetwork

FAMILY, CONFIG, FACTS = "family", "config", "facts"


def save_checkpoint(path: Path, network: StreamingNetwork, facts: Mapping[str, Any]) -> None:
    """`facts` are fields of a bundle's manifest: what it was trained on and how. Whole or not at all."""
    header = {
        FAMILY: network.family,
        CONFIG: json.dumps(dataclasses.asdict(network.config)),
        FACTS: json.dumps(dict(facts)),
    }
    data = save({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, header)
    handle, temporary = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def load_checkpoint(path: Path) -> tuple[StreamingNetwork, dict[str, Any]]:
    """The network and the facts."""
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  it is no dict
        network = make_network(header[FAMILY], json.loads(header[CONFIG]))
        facts = json.loads(header[FACTS])
    except (OSError, SafetensorError, ValueError, TypeError) as error:
        raise CheckpointError(path, str(error) or type(error).__name__) from error
    except KeyError as error:
        raise CheckpointError(path, f"its header has no {error}") from error
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointError(path, str(error)) from error
    return network, facts
