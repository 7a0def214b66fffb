"""Sequences of face embeddings that a user has made of their own videos, for training what joins them.

Letters: S sequences, R embeddings of all sequences, D numbers of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import CorpusError
from face1d_ros.train.array_file import ArrayFile
from face1d_ros.types import FloatArray

ARRAYS = {
    "embeddings": "(R, D) floats, of all sequences one after the other",
    "first": "(S + 1,) whole numbers: the row with which each sequence begins, at the end R",
    "subject": "(S,) whole numbers: whose face it is",
    "model": "the text 'NAME VERSION' of the bundle that made them",
}
HELD_OUT_EVERY = 4
"""Subjects by which it is judged, and who are never trained on."""
LEAST_SUBJECTS = {"training": 6, "validation": 3}
SMALLEST = 1e-6


@dataclass(frozen=True, eq=False)
class EmbeddingSequences:
    """Each of one person in one video."""

    embeddings: FloatArray
    """(R, D) of length 1."""
    first: NDArray[np.int64]
    """(S + 1,)"""
    subject: NDArray[np.int64]
    """(S,)"""
    model: str

    def __len__(self) -> int:
        return len(self.subject)

    def sequence(self, index: int) -> FloatArray:
        """(T, D) one of them."""
        return self.embeddings[self.first[index] : self.first[index + 1]]

    def of_subjects(self, subjects: NDArray[np.int64]) -> EmbeddingSequences:
        """Those of some people."""
        chosen = np.flatnonzero(np.isin(self.subject, subjects))
        rows = [self.sequence(index) for index in chosen]
        first = np.concatenate([[0], np.cumsum([len(one) for one in rows])]).astype(np.int64)
        joined = np.concatenate(rows) if rows else self.embeddings[:0]
        return EmbeddingSequences(joined, first, self.subject[chosen], self.model)


def load_sequences(path: Path) -> EmbeddingSequences:
    """Of an .npz file, checked. Raises CorpusError."""
    file = ArrayFile(path, "sequences of embeddings", ARRAYS)
    embeddings, first, subject, model = file.read()
    if embeddings.dtype.kind != "f" or embeddings.ndim != 2 or embeddings.shape[1] < 2:
        raise file.refused(f"embeddings of {embeddings.dtype} {embeddings.shape}")
    if any(one.dtype.kind not in "iu" or one.ndim != 1 for one in (first, subject)) or len(first) != len(subject) + 1:
        raise file.refused(f"first {first.dtype} {first.shape} and subject {subject.dtype} {subject.shape}")
    if first[0] != 0 or first[-1] != len(embeddings) or not (np.diff(first.astype(np.int64)) > 0).all():
        raise file.refused("a `first` that does not rise from 0 to R")
    if model.dtype.kind != "U" or model.ndim != 0 or not str(model).strip():
        raise file.refused(f"model {model.dtype} {model.shape}")
    lengths = np.linalg.norm(embeddings.astype(np.float64), axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not (lengths > SMALLEST).all():
        raise file.refused("embeddings that are not finite, or zero")
    unit = (embeddings / lengths).astype(np.float32)
    return EmbeddingSequences(unit, first.astype(np.int64), subject.astype(np.int64), str(model))


def split(sequences: EmbeddingSequences) -> tuple[EmbeddingSequences, EmbeddingSequences]:
    """For training and for validation: other people, those with two sequences or more. Raises CorpusError."""
    subjects, counts = np.unique(sequences.subject, return_counts=True)
    usable = subjects[counts >= 2]
    is_held = np.arange(len(usable)) % HELD_OUT_EVERY == HELD_OUT_EVERY - 1
    parts = {"training": usable[~is_held], "validation": usable[is_held]}
    for name, part in parts.items():
        if len(part) < LEAST_SUBJECTS[name]:
            raise CorpusError(
                f"{len(part)} people for {name} of {len(usable)} with two sequences or more, expected "
                f"{LEAST_SUBJECTS[name]} at least; every {HELD_OUT_EVERY}th is held out: bring more people"
            )
    return sequences.of_subjects(parts["training"]), sequences.of_subjects(parts["validation"])
