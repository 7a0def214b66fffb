"""Arrays of a user's own making, in an .npz file. Nothing is read through pickle."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import CorpusError


@dataclass(frozen=True)
class ArrayFile:
    """What a file should hold."""

    path: Path
    called: str
    """What its arrays are, in words."""
    arrays: Mapping[str, str]
    """The meaning of each by its name."""

    def read(self) -> list[NDArray[Any]]:
        """The arrays in that order, of any shape. Raises CorpusError."""
        if not zipfile.is_zipfile(self.path):
            raise self.refused("it is no .npz")
        try:
            with np.load(self.path, allow_pickle=False) as file:
                found = {name: file[name] for name in self.arrays if name in file.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise self.refused(str(error)) from error
        for name in self.arrays:
            if not isinstance(found.get(name), np.ndarray):
                raise self.refused(f"no array '{name}'")
        return list(found.values())

    def refused(self, came: str) -> CorpusError:
        """What to say where it holds something else."""
        wanted = "; ".join(f"{name}: {meaning}" for name, meaning in self.arrays.items())
        return CorpusError(f"'{self.path}' holds no {self.called} ({came}); expected an .npz with {wanted}")
