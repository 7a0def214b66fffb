"""A corpus as the mesh stage gets it: most sequences behind the default smoothing stage, some as detected."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from face1d_ros.config import SmoothingConfig
from face1d_ros.evaluate.mesh_tracks import measured, steadied
from face1d_ros.evaluate.smoothing_tracks import synthetic_track
from face1d_ros.stages.smoothing import SmoothingStage
from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.synth.sequence import Sequence
from face1d_ros.types import Topology

RAW_EVERY = 3
"""One of so many sequences stays as detected: the node may be given such landmarks too."""


class SteadiedCorpus:
    """In place of a `Corpus`, wherever sequences are read."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._stage = SmoothingStage(SmoothingConfig())

    def __len__(self) -> int:
        return len(self._corpus)

    def __iter__(self) -> Iterator[Sequence]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Sequence:
        """With what was measured behind the stage; what it only predicted counts as not seen."""
        sequence = self._corpus[index]
        if index % RAW_EVERY == RAW_EVERY - 1:
            return sequence
        frames = steadied(synthetic_track(sequence, Topology(sequence.topology)).frames, self._stage)
        observed = np.full(sequence.observed.shape, np.nan, np.float32)
        for frame in measured(frames):
            observed[frame] = frames[frame].faces[0].points
        return dataclasses.replace(sequence, observed=observed, seen=np.isfinite(observed[:, 0, 0]))
