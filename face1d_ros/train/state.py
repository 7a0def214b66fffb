"""Named tensors on disk as safetensors, with texts in the header: whole or not at all, and never a pickle."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from face1d_ros.errors import CheckpointError


def save_state(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> None:
    """Replace the file."""
    data = save({name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}, dict(header))
    handle, temporary = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def load_state(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Header and tensors."""
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            return header, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  it is no dict
    except (OSError, SafetensorError) as error:
        raise CheckpointError(path, str(error) or type(error).__name__) from error
