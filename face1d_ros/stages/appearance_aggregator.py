"""Many views of one face to one vector: their running mean, or an LSTM that learned which of them to trust."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from face1d_ros.engines.bundle import Bundle
from face1d_ros.engines.manifest import FACES
from face1d_ros.errors import BundleError, EngineError
from face1d_ros.stages.appearance_model import EMBEDDING, SMALLEST, FaceEmbedder
from face1d_ros.stages.bundle_runner import AS_ASKED, BAD_ANSWER, BundleRunner, check_task, named_runner
from face1d_ros.stages.identity_model import UNIT_TOLERANCE, OperatingPoints, operating_points
from face1d_ros.types import FloatArray

MEAN = "mean"
TASK = "embedding_aggregator"
AGGREGATE = "aggregate"


class Aggregator(Protocol):
    """What makes one vector of a sequence of embeddings."""

    name: str
    """Of the model of the vectors, under which they are enrolled."""
    points: OperatingPoints

    def of(self, embeddings: FloatArray) -> FloatArray:
        """(A,) of length 1 for (T, A) of length 1 each. Raises EngineError."""

    def close(self) -> None:
        """Free what it holds."""


class RunningMean:
    """The mean of all vectors so far, of length 1."""

    def __init__(self) -> None:
        self._sum: np.ndarray | None = None

    def add(self, embedding: FloatArray) -> None:
        """One more (A,)."""
        self._sum = embedding.astype(np.float64) + (0.0 if self._sum is None else self._sum)

    @property
    def value(self) -> FloatArray | None:
        """(A,); None where there is none: nothing was added, or opposites."""
        length = 0.0 if self._sum is None else float(np.linalg.norm(self._sum))
        return None if self._sum is None or length < SMALLEST else (self._sum / length).astype(np.float32)


class MeanAggregator:
    """The default: nothing is learned, so there is nothing to be learned wrongly."""

    def __init__(self, embedder: FaceEmbedder) -> None:
        self.name, self.points = f"{embedder.model} {MEAN}", embedder.points

    def of(self, embeddings: FloatArray) -> FloatArray:
        """As `Aggregator`."""
        mean = RunningMean()
        for embedding in embeddings:
            mean.add(embedding)
        if mean.value is None:
            raise EngineError(MEAN, BAD_ANSWER)
        return mean.value

    def close(self) -> None:
        """Nothing to do."""


class LearnedAggregator(BundleRunner):
    """A network that sees one embedding after the other (review, equation 4), from an empty memory."""

    def __init__(self, bundle: Bundle, engine: str, why: str, embedder: FaceEmbedder) -> None:
        """Raises BundleError for one that was trained for another model, EngineError where nothing runs it."""
        check_task(bundle, TASK)
        _check_embeddings(bundle, embedder)
        self.points = operating_points(bundle)
        super().__init__(bundle, engine, why)
        self.name = f"{embedder.model} {self.model}"

    def of(self, embeddings: FloatArray) -> FloatArray:
        """As `Aggregator`: what it gives after the last."""
        self._runner.reset()
        found = np.empty(0, np.float32)
        for stamp, embedding in enumerate(embeddings):
            self._runner.begin(stamp, [1])[EMBEDDING][0] = embedding
            found = self._runner.run()[AGGREGATE][0].astype(np.float32)
        if not abs(float(np.linalg.norm(found)) - 1.0) <= UNIT_TOLERANCE:
            raise EngineError(self.engine, BAD_ANSWER)
        return found


def make_aggregator(name: str, engine: str, embedder: FaceEmbedder) -> Aggregator:
    """The mean, or what a folder or name says. Raises InvalidValueError."""
    if name == MEAN:
        return MeanAggregator(embedder)
    return named_runner(
        name,
        TASK,
        lambda bundle: LearnedAggregator(bundle, engine, AS_ASKED, embedder),
        MEAN,
        key="appearance_aggregator",
    )


def _check_embeddings(bundle: Bundle, embedder: FaceEmbedder) -> None:
    manifest = bundle.manifest
    trained_for = manifest.settings.get("embeddings_of")
    if trained_for != embedder.model:
        raise BundleError(bundle.path, "settings.embeddings_of", repr(trained_for)[:80], f"'{embedder.model}'")
    remembered = {name for memory in manifest.memory for name in (memory.input, memory.output)}
    shapes = {name: (spec.dtype, spec.shape) for name, spec in manifest.shapes.items() if name not in remembered}
    expected = {name: ("float32", (FACES, embedder.dimension)) for name in (EMBEDDING, AGGREGATE)}
    if shapes != expected:
        raise BundleError(bundle.path, "tensors", f"{shapes}", f"{expected}, and memory")
