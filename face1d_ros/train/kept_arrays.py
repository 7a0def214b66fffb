"""Arrays that training learns from, kept in one file."""

from __future__ import annotations

import io
import zipfile
from dataclasses import fields
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np

from face1d_ros.errors import CorpusError

Kept = TypeVar("Kept", bound="KeptArrays")


class KeptArrays:
    """A dataclass of arrays."""

    called: ClassVar[str]
    """What they are, for who has another file."""
    __dataclass_fields__: ClassVar[dict[str, Any]]

    def save(self, path: Path) -> None:
        """At once or not at all."""
        content = io.BytesIO()
        np.savez(content, **{one.name: getattr(self, one.name) for one in fields(self)})
        part = path.with_suffix(".part")
        part.write_bytes(content.getbuffer())
        part.replace(path)

    @classmethod
    def load(cls: type[Kept], path: Path) -> Kept:
        """What `save` wrote."""
        try:
            with np.load(path, allow_pickle=False) as file:
                return cls(**{one.name: file[one.name] for one in fields(cls)})
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise CorpusError(f"'{path}' holds no {cls.called} ({error}); delete it, and they are made") from error
