"""A corpus as the mesh stage gets it: most sequences behind the default smoothing stage, some as detected."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from face1d_ros.config import SmoothingConfig
from face1d_ros.evaluate.smoothing_tracks import smooth, synthetic_track
from face1d_ros.stages.smoothing import SmoothingStage
from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.synth.sequence import Sequence
from face1d_ros.types import Topology

RAW_EVERY = 3
"""One of so many sequences stays as detected: the node may be given such landmarks too."""


class Steadied:
    """Puts sequences behind the default smoothing stage."""

    def __init__(self) -> None:
        self._stage = SmoothingStage(SmoothingConfig())

    def of(self, sequence: Sequence, number: int) -> Sequence:
        """With what was measured behind the stage; what it only predicted counts as not seen. Every third as it is."""
        if number % RAW_EVERY == RAW_EVERY - 1:
            return sequence
        track = synthetic_track(sequence, Topology(sequence.topology))
        observed = np.where(track.seen[:, None, None], smooth(self._stage, track), np.float32(np.nan))
        return dataclasses.replace(sequence, observed=observed, seen=np.isfinite(observed[:, 0, 0]))


class SteadiedCorpus:
    """In place of a `Corpus`, wherever sequences are read."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._steadied = Steadied()

    def __len__(self) -> int:
        return len(self._corpus)

    def __iter__(self) -> Iterator[Sequence]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Sequence:
        """Behind the stage, or as it is."""
        return self._steadied.of(self._corpus[index], index)
