"""How like a motion is to those of the enrolled subjects: one matrix product for all templates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from face1d_ros.errors import GalleryValueError
from face1d_ros.gallery.records import Templates
from face1d_ros.types import FloatArray

UNIT_TOLERANCE = 0.01


@dataclass(frozen=True)
class Match:
    """A subject and the template of theirs that is nearest."""

    subject: str
    score: float
    """Cosine of the motion, -1 to 1."""
    appearance_score: float = math.nan
    """Cosine of the nearest appearance; NaN: not known of both."""
    enrolled_ns: int = 0
    """When the nearest motion was enrolled."""
    has_appearance: bool = False
    """Whether appearances of the gallery's algorithm were enrolled, and so have to be seen."""

    @property
    def is_unseen(self) -> bool:
        """Whether an appearance was enrolled, and none came that could be compared with it."""
        return self.has_appearance and math.isnan(self.appearance_score)


@dataclass(frozen=True)
class Nearest:
    """The nearest template of a subject."""

    score: float
    made_ns: int


class Table:
    """Transformed templates of one space, of all subjects beneath each other."""

    def __init__(self, templates: Mapping[str, Templates]) -> None:
        self._handles = list(templates)
        self._vectors = np.concatenate([one.vectors for one in templates.values()]) if templates else None
        self._made_ns = [time for one in templates.values() for time in one.made_ns]
        counts = [len(one.made_ns) for one in templates.values()]
        self._owners = np.repeat(np.arange(len(counts)), counts)
        self._ends = np.cumsum(counts, dtype=np.intp)

    def nearest(self, vector: FloatArray) -> dict[str, Nearest]:
        """For a transformed (D,) unit vector, by handle."""
        if self._vectors is None:
            return {}
        scores = np.clip(self._vectors @ vector, -1.0, 1.0)
        best = np.lexsort((scores, self._owners))[self._ends - 1]
        return {
            handle: Nearest(float(scores[row]), self._made_ns[row])
            for handle, row in zip(self._handles, best, strict=True)
        }


def unit_vectors(what: str, values: object, rows: int, dimension: int, largest: int) -> FloatArray:
    """(R, D) of exact unit length, R from 1 to `rows`; D is `dimension`, or any up to `largest` where that is 0.

    Raises GalleryValueError, which tells shapes alone.
    """
    expected = f"(1 to {rows}, {dimension or 'D'}) finite numbers, each row of length 1"
    if not isinstance(values, np.ndarray) or values.dtype.kind != "f":
        raise GalleryValueError(what, type(values).__name__, expected)
    if values.ndim != 2 or not 1 <= values.shape[0] <= rows or not 1 <= values.shape[1] <= largest:
        raise GalleryValueError(what, f"shape {values.shape}", expected)
    if dimension and values.shape[1] != dimension:
        raise GalleryValueError(what, f"shape {values.shape}", expected)
    vectors = values.astype(np.float64)
    if not np.isfinite(vectors).all():
        raise GalleryValueError(what, "values that are not finite", expected)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if (np.abs(norms - 1.0) > UNIT_TOLERANCE).any():
        raise GalleryValueError(what, "rows of another length", expected)
    return (vectors / norms).astype(np.float32)
