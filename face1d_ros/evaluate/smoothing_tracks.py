"""Faces as the smoothing stage gets them, frame by frame, beside their truth; and what a stage makes of them.

Shapes: T frames, N landmarks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from face1d_ros.config import LandmarksConfig
from face1d_ros.errors import InvalidValueError
from face1d_ros.evaluate.tracks import Floats, Mask
from face1d_ros.geometry.topology import indices_in
from face1d_ros.stages.base import Stage
from face1d_ros.synth.sequence import Sequence
from face1d_ros.types import FaceLandmarks, FaceLandmarksArray, FloatArray, Header, Topology, TrackState

NS = 1_000_000_000
FIRST_STAMP_NS = NS
LOST_AFTER_NS = round(LandmarksConfig().lost_after_s * NS)
"""A face away for longer comes back under another id, as the tracker has it."""
MOST_MISSING = 10
"""Frames: longer gaps are no dropouts, and nobody can know what the face did in them."""


@dataclass(frozen=True, eq=False)
class Track:
    """One face for a while, under one camera."""

    name: str
    frames: tuple[FaceLandmarksArray, ...]
    """T of them, empty where nothing was seen."""
    observed: FloatArray
    """(T, N, 3) px, NaN where nothing was seen."""
    truth: FloatArray
    """(T, N, 2) px, NaN where it is not known."""
    hidden: Mask
    """(T, N) points that were seen although something stood before them."""
    missing: Mask
    """(T,) frames of a gap of at most `MOST_MISSING` frames."""

    @property
    def seen(self) -> Mask:
        """(T,) where there is a measurement."""
        return np.isfinite(self.observed[:, 0, 0])

    @property
    def topology(self) -> Topology:
        """Of its points."""
        return Topology(self.observed.shape[1])


@dataclass(frozen=True, eq=False)
class Observations:
    """What a detector said of one face; (T, …) each."""

    stamps_ns: NDArray[np.int64]
    points: FloatArray
    """(T, N, 3) px, NaN where nothing was seen."""
    confidence: FloatArray
    """(T,)"""
    point_confidence: FloatArray
    """(T, N)"""
    image_size: tuple[int, int]
    """Width and height, px."""

    def chosen(self, topology: Topology) -> Observations:
        """The points of another topology among these."""
        chosen = indices_in(topology, Topology(self.points.shape[1]))
        points, confidence = (np.ascontiguousarray(part[:, chosen]) for part in (self.points, self.point_confidence))
        return Observations(self.stamps_ns, points, self.confidence, confidence, self.image_size)


def synthetic_track(
    sequence: Sequence, topology: Topology, observed: FloatArray | None = None, clean: FloatArray | None = None
) -> Track:
    """The points of a topology among those of a synthetic sequence, or of others (T, N, 3) in place of its own."""
    chosen = indices_in(topology, sequence.topology)
    seen = sequence.seen & sequence.present
    points = np.array((sequence.observed if observed is None else observed)[:, chosen], np.float32)
    points[~seen] = np.nan
    truth = np.array((sequence.clean_px if clean is None else clean)[:, chosen, :2], np.float32)
    camera = sequence.plan.camera
    observations = Observations(
        FIRST_STAMP_NS + np.round(sequence.stamps_s * NS).astype(np.int64),
        points,
        np.asarray(sequence.confidence, np.float32),
        np.asarray(sequence.point_confidence[:, chosen], np.float32),
        (camera.width, camera.height),
    )
    hidden = sequence.occluded[:, chosen] & seen[:, None]
    missing = short_gaps(seen) & sequence.present
    return Track(sequence.name, frames_of(observations), points, truth, hidden, missing)


def real_track(name: str, observations: Observations, truth: Floats | None = None) -> Track:
    """Of a recording, which tells nothing of what is hidden, and its truth (T, N, 2) only of the portrait."""
    shape = observations.points.shape[:2]
    known = np.full((*shape, 2), np.nan, np.float32) if truth is None else truth.astype(np.float32)
    seen = np.isfinite(observations.points[:, 0, 0])
    return Track(name, frames_of(observations), observations.points, known, np.zeros(shape, np.bool_), short_gaps(seen))


def frames_of(observations: Observations) -> tuple[FaceLandmarksArray, ...]:
    """What the landmark stage would have given out."""
    return tuple(_frames(observations))


def _frames(observations: Observations) -> Iterator[FaceLandmarksArray]:
    topology = Topology(observations.points.shape[1])
    width, height = observations.image_size
    track_id, last_ns = 1, None
    for index, stamp_ns in enumerate(observations.stamps_ns.tolist()):
        points = observations.points[index]
        ended: tuple[int, ...] = ()
        if last_ns is not None and stamp_ns - last_ns > LOST_AFTER_NS:
            ended, track_id, last_ns = (track_id,), track_id + 1, None
        faces: tuple[FaceLandmarks, ...] = ()
        if np.isfinite(points[0, 0]):
            last_ns = stamp_ns
            face = FaceLandmarks(
                points=points,
                topology=topology,
                track_id=track_id,
                state=TrackState.MEASURED,
                confidence=float(observations.confidence[index]),
                point_confidence=observations.point_confidence[index],
            )
            faces = (face,)
        yield FaceLandmarksArray(Header(stamp_ns), width, height, faces, ended)


def short_gaps(seen: Mask) -> Mask:
    """(T,) frames of gaps of at most `MOST_MISSING` frames between two that were seen."""
    gaps = np.zeros(len(seen), np.bool_)
    where = np.flatnonzero(seen)
    for before, after in pairwise(where.tolist()):
        if 1 < after - before <= MOST_MISSING + 1:
            gaps[before + 1 : after] = True
    return gaps


def longest_stretch(seen: Mask) -> slice:
    """The most frames in a row that were seen."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], seen, [False]]).astype(np.int8))).reshape(-1, 2)
    if not len(edges):
        raise InvalidValueError("frames with a face", 0, "at least one")
    start, end = edges[np.argmax(edges[:, 1] - edges[:, 0])].tolist()
    return slice(start, end)


def smooth(stage: Stage, track: Track) -> FloatArray:
    """(T, N, 3) what the stage publishes, each frame at its own stamp however late; NaN where it publishes nothing."""
    stage.reset()
    places = {frame.header.stamp_ns: index for index, frame in enumerate(track.frames)}
    refined = np.full(track.observed.shape, np.nan, np.float32)
    for frame in track.frames:
        result: FaceLandmarksArray | None = stage.process(frame)
        if result is not None and result.faces:
            refined[places[result.header.stamp_ns]] = result.faces[0].points
    return refined


def held(points: FloatArray) -> FloatArray:
    """(T, N, 3) with the last points in place of those that are not there; NaN only before the first."""
    last = np.maximum.accumulate(np.where(np.isfinite(points[:, 0, 0]), np.arange(len(points)), -1))
    return np.where((last >= 0)[:, None, None], points[last], np.float32(np.nan))
