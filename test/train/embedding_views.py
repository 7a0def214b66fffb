"""Made sequences of embeddings: people, and views of them of which some are bad in a way that shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from face1d_ros.train.embedding_sequences import EmbeddingSequences
from face1d_ros.types import FloatArray

D = 32


def unit(values: Any) -> FloatArray:
    return np.asarray(values / np.linalg.norm(values, axis=-1, keepdims=True), np.float32)


def made(
    seed: int = 1, people: int = 40, sequences: int = 4, views: int = 14, bad: float = 0.5, dimension: int = D
) -> EmbeddingSequences:
    """A bad view shows little of the person and much of what all bad views share, as blur or a turned head do."""
    rng = np.random.default_rng(seed)
    blur = unit(np.random.default_rng(99).standard_normal((3, dimension)))
    rows, subject = [], []
    for person in range(people):
        centre = unit(rng.standard_normal(dimension))
        for _ in range(sequences):
            kind = blur[rng.integers(len(blur))]
            noise = 0.3 * rng.standard_normal((views, dimension))
            amount = np.where(rng.random((views, 1)) < bad, rng.uniform(2.0, 4.0, (views, 1)), 0.0)
            rows.append(unit(centre + noise * (1.0 + amount) + amount * kind))
            subject.append(person)
    first = np.arange(len(rows) + 1, dtype=np.int64) * views
    return EmbeddingSequences(np.concatenate(rows), first, np.array(subject, np.int64), "projection 1")


def write(path: Path, sequences: EmbeddingSequences, **changes: Any) -> Path:
    arrays = {name: getattr(sequences, name) for name in ("embeddings", "first", "subject")}
    np.savez(path, **{**arrays, "model": np.array(sequences.model), **changes})
    return path
