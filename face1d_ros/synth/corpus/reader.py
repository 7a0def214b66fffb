"""Reads corpora: sequences by number, their large arrays straight from the page cache."""

from __future__ import annotations

import json
import operator
from collections.abc import Iterator
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import CorpusError
from face1d_ros.paths import user_path
from face1d_ros.synth.corpus.shard import Shard
from face1d_ros.synth.sequence import Sequence
from face1d_ros.types import Topology

MANIFEST = "manifest.json"
FORMAT = "face1d-corpus-2"
VALUES_VERSION = 1
"""Of what plans evaluate to. Raise it with every change of code by which the same plan gives other values: a corpus
that was begun with other code is then not carried on, and golden values of other code are not compared with."""


class Corpus:
    """All sequences of a folder that `face1d synth make` wrote.

    Models that learn from windows of frames take `shards` and their fields, which run on over all sequences of a shard.
    With `verify` every shard is compared with its checksums when it is first read from.
    """

    def __init__(self, folder: str | Path, *, verify: bool = False) -> None:
        self.folder = user_path(folder)
        self.manifest = read_manifest(self.folder)
        if not self.manifest.get("complete"):
            raise CorpusError(f"corpus '{self.folder}' is not complete; run the command that made it again to carry on")
        self.topology: Topology
        self.expression_names: tuple[str, ...]
        self.topology, self.expression_names, self._count, self._per_shard = self._parameters()
        self._verify = verify
        self._shard = lru_cache(maxsize=None)(self._open_shard)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Sequence:
        """A sequence; negative numbers count from the end."""
        number = operator.index(index)
        place = number + len(self) if number < 0 else number
        if not 0 <= place < len(self):
            raise IndexError(f"sequence {number} of {len(self)}")
        return self._shard(place // self._per_shard).sequence(place % self._per_shard)

    def __iter__(self) -> Iterator[Sequence]:
        return (self[index] for index in range(len(self)))

    @property
    def shards(self) -> Iterator[Shard]:
        """All shards in their order."""
        return (self._shard(number) for number in range(-(-len(self) // self._per_shard)))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of all sequences."""
        return tuple(entry["name"] for entry in self._entries)

    @cached_property
    def subject_ids(self) -> NDArray[np.int64]:
        """(sequences,)"""
        return np.array([entry["subject_id"] for entry in self._entries], np.int64)

    @cached_property
    def frames(self) -> NDArray[np.int64]:
        """(sequences,) how many each has."""
        return np.array([entry["frames"] for entry in self._entries], np.int64)

    @cached_property
    def _entries(self) -> list[dict[str, Any]]:
        return [entry for shard in self.shards for entry in shard.sequences]

    def _open_shard(self, number: int) -> Shard:
        return Shard(self.folder, number, self.topology, self.expression_names, verify=self._verify)

    def _parameters(self) -> tuple[Topology, tuple[str, ...], int, int]:
        """Topology, names of the coefficients, sequences, sequences a shard: as the manifest has them."""
        manifest = self.manifest
        try:
            names, sizes = manifest["expression_names"], (manifest["sequences"], manifest["sequences_per_shard"])
            if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
                raise TypeError("expression_names is no list of names")
            if not all(type(size) is int and size > 0 for size in sizes):
                raise ValueError(f"sequences and sequences_per_shard are {sizes}, expected numbers from 1")
            return Topology(manifest["points"]), tuple(names), *sizes
        except (KeyError, TypeError, ValueError) as error:
            raise damaged_manifest(self.folder, error) from error


def read_manifest(folder: Path) -> dict[str, Any]:
    """What a corpus was made of; refuses what is none."""
    path = folder / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CorpusError(
            f"'{folder}' holds no corpus ({path.name}: {error.strerror}); make one by `face1d synth make`"
        ) from error
    except ValueError as error:
        raise damaged_manifest(folder, error) from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        came = manifest.get("format") if isinstance(manifest, dict) else type(manifest).__name__
        raise CorpusError(f"'{path}': format {came!r}, expected {FORMAT!r}; make the corpus again into a new folder")
    return manifest


def damaged_manifest(folder: Path, error: Exception) -> CorpusError:
    """The error of a manifest that says nothing sensible."""
    what = f"no {error}" if isinstance(error, KeyError) else error
    return CorpusError(f"'{folder / MANIFEST}' is damaged ({what}); make the corpus again into a new folder")
