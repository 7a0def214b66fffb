"""Windows of five looks at real faces, and the expression that each shows.

Posed sequences begin at rest: what a face looks like at rest is taken from their first images, and one window ends
there. Another ends where the expression is at its apex. Looks are as far apart as in the expression stage, whatever the
camera's rate is; before the first image nothing changed. Letters: M images with a face, W windows, F features.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack, closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face1d_ros.config import MeshConfig, SmoothingConfig
from face1d_ros.datasets.base import EXPRESSIONS, RealSequence
from face1d_ros.evaluate.mesh_tracks import MeshTrack, follow, measured, steadied
from face1d_ros.evaluate.smoothing_tracks import NS, Observations, frames_of
from face1d_ros.nets.expression_network import APART_S, LOOKS
from face1d_ros.stages.expression_input import LandmarkReader
from face1d_ros.stages.mesh import MeshStage
from face1d_ros.stages.smoothing import SmoothingStage
from face1d_ros.train.expression_tracks import MESH_INPUT, feature_names_of
from face1d_ros.types import FloatArray, Phase

Floats = NDArray[np.float64]
NEUTRAL = EXPRESSIONS[0]
LEAST_FRAMES = 3
NEAR_S = 0.2
"""No further from the apex, and from the beginning, an image with a face must be."""
REST_FRAMES = 3
"""From which rest is taken, at most."""
REST_SHARE = 5
"""One of so many images at most: the expression begins soon."""


@dataclass(frozen=True, eq=False)
class Features:
    """What is read of one face."""

    stamps_s: Floats
    """(M,)"""
    values: FloatArray
    """(M, F)"""


@dataclass(frozen=True, eq=False)
class Windows:
    """What networks learn from and are tested on."""

    looks: FloatArray
    """(W, LOOKS, F) the oldest first."""
    rest: FloatArray
    """(W, F) the same face at rest."""
    labels: tuple[str, ...]
    """Of `EXPRESSIONS`."""
    subjects: tuple[str, ...]
    """With their dataset before them."""
    parts: tuple[str, ...]
    """Which part of which dataset it is of."""

    def __len__(self) -> int:
        return len(self.labels)

    def chosen(self, mask: Iterable[bool]) -> Windows:
        """Some of them."""
        places = np.flatnonzero(np.fromiter(mask, np.bool_, len(self)))
        words = (tuple(part[place] for place in places) for part in (self.labels, self.subjects, self.parts))
        return Windows(self.looks[places], self.rest[places], *words)

    @classmethod
    def joined(cls, windows: Iterable[Windows], features: int) -> Windows:
        """All of them."""
        found = list(windows)
        looks = [np.zeros((0, LOOKS, features), np.float32), *(one.looks for one in found)]
        rest = [np.zeros((0, features), np.float32), *(one.rest for one in found)]
        words = (
            tuple(word for one in found for word in getattr(one, name)) for name in ("labels", "subjects", "parts")
        )
        return cls(np.concatenate(looks), np.concatenate(rest), *words)


class FeatureReader:
    """Makes features of landmarks by the stages of the graph: smoothing, then landmarks or mesh; no camera is known."""

    def __init__(self, given: str) -> None:
        """`given`: what a network of this input reads."""
        self.names = feature_names_of(given)
        with ExitStack() as made:
            self._smoothing = made.enter_context(closing(SmoothingStage(SmoothingConfig())))
            self._mesh = made.enter_context(closing(MeshStage(MeshConfig()))) if given == MESH_INPUT else None
            self._made = made.pop_all()
        self._landmarks = LandmarkReader()

    def of(self, seen: Observations) -> Features:
        """Of one sequence; no frames where no face can be read."""
        frames = steadied(frames_of(seen), self._smoothing)
        track = MeshTrack("", frames, None, measured(frames))
        if self._mesh is not None:
            followed = follow(self._mesh, track)
            values = followed.expression_of(self.names) if len(followed.frames) else self._none()
            return Features(seen.stamps_ns[followed.frames] / NS, np.asarray(values, np.float32))
        read = {index: self._landmarks.read(frames[index], frames[index].faces[0]) for index in track.judged.tolist()}
        good = {index: found for index, found in read.items() if not isinstance(found, str)}
        return Features(
            seen.stamps_ns[list(good)] / NS, np.stack(list(good.values())).astype(np.float32) if good else self._none()
        )

    def close(self) -> None:
        """Free the models."""
        self._made.close()

    def _none(self) -> FloatArray:
        return np.zeros((0, len(self.names)), np.float32)


def apex_of(sequence: RealSequence, stamps_s: Floats, *, ends_there: bool) -> float:
    """When the expression is strongest: at the end, in the middle of what is coded as apex, or in the middle."""
    if ends_there:
        return float(stamps_s[-1])
    if sequence.read_phases is not None:
        apex = np.flatnonzero(sequence.read_phases()[: len(stamps_s)] == Phase.APEX)
        if len(apex):
            return float(stamps_s[apex[len(apex) // 2]])
    return float(stamps_s[len(stamps_s) // 2])


def windows_of(
    sequence: RealSequence, part: str, subject: str, seen: Observations, features: Features, *, ends_at_apex: bool
) -> Windows | str:
    """One at rest and one at the apex; in words, why there is none."""
    count, images = len(features.stamps_s), len(seen.stamps_ns)
    if not count:
        return f"no face in {images} images"
    all_s, stamps_s = seen.stamps_ns / NS, features.stamps_s
    apex_s = apex_of(sequence, all_s, ends_there=ends_at_apex)
    if count < LEAST_FRAMES:
        return f"a face in {count} of {images} images, {LEAST_FRAMES} are needed"
    if np.abs(stamps_s - apex_s).min() > NEAR_S:
        return f"a face in {count} of {images} images, none at the apex"
    resting = min(REST_FRAMES, max(2, count // REST_SHARE))
    if stamps_s[0] - all_s[0] > NEAR_S or stamps_s[resting - 1] >= apex_s:
        return f"a face in {count} of {images} images, none at the beginning"
    rest = features.values[:resting].mean(axis=0)
    looks = [_looks(features, at_s) for at_s in (float(stamps_s[resting - 1]), apex_s)]
    return Windows(np.stack(looks), np.stack([rest, rest]), (NEUTRAL, sequence.label), (subject, subject), (part, part))


def _looks(features: Features, at_s: float) -> FloatArray:
    """(LOOKS, F) up to a time, between frames by a straight line."""
    wanted = at_s - APART_S * np.arange(LOOKS - 1, -1, -1)
    columns = [np.interp(wanted, features.stamps_s, column) for column in features.values.T]
    return np.stack(columns, axis=1).astype(np.float32)
