"""What the detector sees in sequences of real datasets, kept in a folder where one is named.

Landmarks of faces are personal data, so what is kept can be read by its owner alone, and only arrays are kept.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np

from face1d_ros.config import LandmarksConfig
from face1d_ros.datasets.base import RealSequence
from face1d_ros.datasets.images import ImageFiles, VideoImages
from face1d_ros.detect.detector import make_detector
from face1d_ros.errors import DatasetError, DatasetFileError, SourceError
from face1d_ros.evaluate.real_landmarks import readable
from face1d_ros.evaluate.smoothing_tracks import NS, Observations
from face1d_ros.sources.base import stamp_of
from face1d_ros.sources.video import VideoFile
from face1d_ros.stages.landmarks import LandmarksStage
from face1d_ros.types import FaceLandmarksArray, Frame, Header, Topology

KEPT_VERSION = 1
"""Of the files; another one is detected anew."""
ASSUMED_RATE_HZ = 25.0
"""Of images for which the dataset tells none."""
POINTS = int(Topology.MESH_478)


class LandmarkFolderError(DatasetError):
    """A folder in which no landmarks can be kept."""

    def __init__(self, folder: object, problem: str) -> None:
        super().__init__(f"landmarks in '{folder}': {problem}; name a folder that can be written, or keep none")


class SeenFaces:
    """Takes landmarks of sequences from the folder, or from the detector; `close` frees it."""

    def __init__(self, folder: Path | None, *, partial: bool = False) -> None:
        """Without a folder nothing is kept. A damaged file ends it, or with `partial` is named in `skipped`."""
        config = LandmarksConfig(max_faces=1)
        detector = make_detector(config)
        self.model = detector.model
        self._stage = LandmarksStage(config, detector)
        self._folder, self._partial = folder, partial
        self.skipped: list[str] = []
        self.detected = self.taken = 0
        """Sequences that were looked at, and those that were found in the folder."""

    def of(self, dataset: str, sequence: RealSequence) -> Observations:
        """The face of one sequence; NaN in images without one."""
        path = self._folder / dataset / f"{self._key(dataset, sequence)}.npz" if self._folder else None
        kept = _loaded(path) if path else None
        if kept is not None:
            self.taken += 1
            return kept
        self.detected += 1
        skipped = len(self.skipped)
        found = self._detect(sequence)
        if path is not None and len(self.skipped) == skipped:  # what is damaged may be copied again
            _save(found, path)
        return found

    def close(self) -> None:
        """Free the models."""
        self._stage.close()

    def _detect(self, sequence: RealSequence) -> Observations:
        self._stage.reset()
        results: list[FaceLandmarksArray] = []
        try:
            for frame in self._frames(sequence):
                results.append(self._stage.process(frame))
        except DatasetFileError as error:
            if not self._partial:
                raise
            self.skipped.append(str(error))
            results = []
        return _observations(results)

    def _frames(self, sequence: RealSequence) -> Iterator[Frame]:
        """Videos have stamps of their own; images have the dataset's rate."""
        if isinstance(sequence.images, VideoImages):
            try:
                with VideoFile(sequence.images.path) as video:
                    yield from video.frames()
            except SourceError as error:
                raise DatasetFileError(sequence.images.path, str(error), "a whole video") from error
            return
        skip = (lambda error: self.skipped.append(str(error))) if self._partial else None
        rate_hz = sequence.rate_hz or ASSUMED_RATE_HZ
        for index, image in enumerate(readable(sequence.images, skip)):
            if image is not None:
                yield Frame(Header(stamp_of(index, rate_hz)), image)

    def _key(self, dataset: str, sequence: RealSequence) -> str:
        """Of all that decides about the values."""
        files = [(path.name, *_state(path)) for path in _files(sequence)]
        facts = [KEPT_VERSION, self.model, dataset, sequence.name, sequence.rate_hz, files]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def _files(sequence: RealSequence) -> tuple[Path, ...]:
    if isinstance(sequence.images, ImageFiles):
        return sequence.images.paths
    return (sequence.images.path,) if isinstance(sequence.images, VideoImages) else ()


def _state(path: Path) -> tuple[int, int]:
    """Size and time of change."""
    try:
        stat = path.stat()
    except OSError as error:
        raise DatasetFileError(path, str(error.strerror), "a readable file") from error
    return stat.st_size, stat.st_mtime_ns


def _observations(results: list[FaceLandmarksArray]) -> Observations:
    points = np.full((len(results), POINTS, 3), np.nan, np.float32)
    certainty = np.zeros((len(results), POINTS), np.float32)
    confidence = np.zeros(len(results), np.float32)
    for index, result in enumerate(results):
        for face in result.faces[:1]:
            points[index], certainty[index] = face.points, face.point_confidence
            confidence[index] = np.nan_to_num(face.confidence, nan=1.0)
    # The first stamp is a second: 0 is that of messages without any.
    stamps_ns = np.array([NS + result.header.stamp_ns for result in results], np.int64)
    size = (results[0].image_width, results[0].image_height) if results else (0, 0)
    return Observations(stamps_ns, points, confidence, certainty, size)


def _save(seen: Observations, path: Path) -> None:
    """At once or not at all, for the owner alone."""
    content = io.BytesIO()
    np.savez(content, **{one.name: np.asarray(getattr(seen, one.name)) for one in fields(Observations)})
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.touch(mode=0o600)
        part.write_bytes(content.getbuffer())
        part.replace(path)
    except OSError as error:
        raise LandmarkFolderError(path.parent, str(error.strerror)) from error


def _loaded(path: Path) -> Observations | None:
    """What `_save` wrote; None where there is nothing, or nothing that is whole."""
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            content = {one.name: file[one.name] for one in fields(Observations)}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    count = len(content["stamps_ns"]) if content["stamps_ns"].ndim == 1 else -1
    shapes = {
        "stamps_ns": (count,),
        "points": (count, POINTS, 3),
        "confidence": (count,),
        "point_confidence": (count, POINTS),
        "image_size": (2,),
    }
    if any(content[name].shape != shape for name, shape in shapes.items()):
        return None
    width, height = content.pop("image_size").tolist()
    return Observations(**content, image_size=(width, height))
