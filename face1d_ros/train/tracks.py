"""Synthetic landmarks as streams of windows: each row of a batch follows one face through its frames, then another.

A row takes a stretch of a sequence at random, changes it as below, and gives it window by window, so that a network's
memory goes on from one to the next. What it gives is a pure function of the seed, the row and how far the row has come.

Two changes keep a network from learning what is only true of the face model:

- all is rolled in the image plane, as the detector's errors are in axes that follow the roll;
- face and measurement are moved by the same smooth field that turns with the head, and by others that come and go with
  the expression: shapes and ways of moving that the face model does not have. Without them, a network takes whatever
  the face model cannot draw for an error of the detector.

Letters: B rows, T frames, N landmarks.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from face1d_ros.errors import CorpusError
from face1d_ros.geometry.topology import Indices, indices_in
from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.synth.noise.observe import load_noise_model
from face1d_ros.synth.sequence import Sequence, rotations
from face1d_ros.types import FloatArray, Topology

LONGEST_LOSS_S = 0.4
"""A face that was lost for longer is met as a new one, as `bridge_s` has it at run time."""
MOVING_FIELDS = 4
FACE_MM = 150.0
"""What shapes beyond the face model are in percent of."""


@dataclass(frozen=True)
class Changes:
    """What a row changes on its stretch, drawn anew for each."""

    roll_deg: float = 25.0
    """At most, either way."""
    shape_percent: tuple[float, float] = (1.0, 4.0)
    """Of the face's size: root mean square of the field beyond the face model, from and to."""
    moving_percent: tuple[float, float] = (0.0, 0.8)
    """The same of the fields that come and go with the expression, where one coefficient is 1."""


@dataclass(frozen=True, eq=False)
class Window:
    """Frames of B faces."""

    landmarks: Tensor
    """(B, T, N, 3) px measured; zeros where the face was not seen."""
    confidence: Tensor
    """(B, T, N) zeros where the face was not seen."""
    dt: Tensor
    """(B, T, 1) s since the frame before; 0 in a face's first."""
    truth: Tensor
    """(B, T, N, 3) px."""
    size: Tensor
    """(B, T, 1) px: larger side of the truth's box."""
    counts: Tensor
    """(B, T) 1 where the head was before the camera, else 0."""
    hidden: Tensor
    """(B, T, N) 1 where something hid the landmark or the face was not seen, else 0."""
    fresh: Tensor
    """(B,) true where a row begins with another face."""

    @property
    def inputs(self) -> dict[str, Tensor]:
        """What a smoother is given."""
        return {"landmarks": self.landmarks, "confidence": self.confidence, "dt": self.dt}


@dataclass(frozen=True, eq=False)
class _Stretch:
    """Frames of one face, ready to be cut into windows."""

    landmarks: FloatArray
    confidence: FloatArray
    dt: FloatArray
    truth: FloatArray
    size: FloatArray
    counts: FloatArray
    hidden: FloatArray


class Tracks:
    """An endless stream of windows of a corpus."""

    def __init__(
        self, corpus: Corpus, topology: Topology, rows: int, frames: int, seed: int, changes: Changes | None = None
    ) -> None:
        """With `changes` None the stretches are as the corpus has them."""
        self._corpus, self._frames, self._seed, self._changes = corpus, frames, seed, changes
        self._points = indices_in(topology, corpus.topology)
        modes = load_noise_model().modes[:, indices_in(topology, Topology.MESH_478)]
        self._fields = modes / np.sqrt(len(modes))
        self.passes = np.zeros(rows, np.int64)
        """(B,) how many stretches a row has begun."""
        self.places = np.zeros(rows, np.int64)
        """(B,) the frame at which it stands in its present one."""
        self._stretches: list[_Stretch | None] = [None] * rows

    def next(self) -> Window:
        """The next window of each row."""
        parts, fresh = [], []
        for row in range(len(self.passes)):
            stretch = self._stretch(row)
            place = int(self.places[row])
            fresh.append(place == 0)
            parts.append((stretch, slice(place, place + self._frames)))
            self.places[row] += self._frames
        return _window(parts, torch.tensor(fresh))

    def go_on_from(self, passes: NDArray[np.int64], places: NDArray[np.int64]) -> None:
        """Stand where another stood."""
        self.passes[:], self.places[:] = passes, places
        self._stretches = [None] * len(self.passes)

    def _stretch(self, row: int) -> _Stretch:
        """What the row is in; the next one, where not a whole window of it is left."""
        now = self._stretches[row]
        if now is None and self.passes[row]:
            now = self._drawn(row)
        while now is None or self.places[row] + self._frames > len(now.dt):
            self.passes[row] += 1
            self.places[row] = 0
            now = self._drawn(row)
        self._stretches[row] = now
        return now

    def _drawn(self, row: int) -> _Stretch | None:
        """A stretch at random; None where the sequence that was drawn has none of a window's length."""
        rng = np.random.default_rng((self._seed, row, int(self.passes[row])))
        sequence = self._corpus[int(rng.integers(len(self._corpus)))]
        known = [part for part in stretches(sequence) if part.stop - part.start >= self._frames]
        if not known:
            return None
        return self._changed(sequence, known[int(rng.integers(len(known)))], rng)

    def _changed(self, sequence: Sequence, part: slice, rng: np.random.Generator) -> _Stretch:
        plain = _unchanged(sequence, part, self._points)
        if self._changes is None:
            return plain
        shift = self._beyond_the_model(sequence, part, rng, self._changes)
        turn = _turn(np.radians(self._changes.roll_deg) * rng.uniform(-1.0, 1.0))
        seen, truth = sequence.seen[part, None, None], (plain.truth + shift) @ turn
        measured = np.where(seen, (plain.landmarks + shift) @ turn, np.float32(0.0))
        return replace(plain, landmarks=measured, truth=truth, size=_size_px(truth))

    def _beyond_the_model(
        self, sequence: Sequence, part: slice, rng: np.random.Generator, changes: Changes
    ) -> FloatArray:
        """(T, N, 3) px: smooth fields, fixed to the head."""
        still_mm, moving_mm = (
            0.01 * FACE_MM * rng.uniform(*percent) for percent in (changes.shape_percent, changes.moving_percent)
        )
        expression = sequence.expression[part]  # (T, K)
        weights = rng.standard_normal((1 + MOVING_FIELDS, len(self._fields)))
        fields = np.tensordot(weights, self._fields, 1).astype(np.float32)  # (1 + F, N, 3)
        shown = expression @ rng.standard_normal((expression.shape[1], MOVING_FIELDS)).astype(np.float32)
        field_mm = still_mm * fields[0] + moving_mm * MOVING_FIELDS**-0.5 * np.tensordot(shown, fields[1:], 1)
        turned = np.asarray(field_mm, np.float32) @ rotations(sequence.yaw_pitch_roll_rad[part]).swapaxes(1, 2)
        per_mm = sequence.plan.camera.focal_px / sequence.translation_mm[part, 2]
        return np.asarray(turned * per_mm[:, None, None], np.float32)


def whole(sequence: Sequence, part: slice, topology: Topology) -> Window:
    """A stretch of one sequence as it is: one row, all its frames."""
    stretch = _unchanged(sequence, part, indices_in(topology, sequence.topology))
    return _window([(stretch, slice(None))], torch.tensor([True]))


def stretches(sequence: Sequence) -> list[slice]:
    """Where one face was followed: from a frame in which it was seen to one, with no long loss between."""
    seen = np.flatnonzero(sequence.seen & sequence.present)
    if not len(seen):
        return []
    losses = np.flatnonzero(np.diff(sequence.stamps_s[seen]) > LONGEST_LOSS_S)
    first, last = np.append(0, losses + 1), np.append(losses, len(seen) - 1)
    return [slice(int(seen[a]), int(seen[b]) + 1) for a, b in zip(first, last, strict=True)]


def check_topology(corpus: Corpus, topology: Topology) -> None:
    """Refuse a corpus that does not hold the landmarks."""
    if int(topology) > int(corpus.topology):
        raise CorpusError(
            f"'{corpus.folder}' has {int(corpus.topology)} landmarks, {int(topology)} are needed; "
            f"make one with --points {int(topology)}"
        )


def _unchanged(sequence: Sequence, part: slice, points: Indices) -> _Stretch:
    """As the sequence has it, these of its points."""
    seen = sequence.seen[part]
    truth = np.asarray(sequence.clean_px[part][:, points], np.float32)
    stamps_s = sequence.stamps_s[part]
    return _Stretch(
        landmarks=np.where(seen[:, None, None], sequence.observed[part][:, points], 0.0).astype(np.float32),
        confidence=np.where(seen[:, None], sequence.point_confidence[part][:, points], 0.0).astype(np.float32),
        dt=np.diff(stamps_s, prepend=stamps_s[:1])[:, None].astype(np.float32),
        truth=truth,
        size=_size_px(truth),
        counts=sequence.present[part].astype(np.float32),
        hidden=(sequence.occluded[part][:, points] | ~seen[:, None]).astype(np.float32),
    )


def _size_px(truth: FloatArray) -> FloatArray:
    """(T, 1) of landmarks (T, N, 3): the larger side of their box."""
    plane = truth[..., :2]
    return (plane.max(axis=1) - plane.min(axis=1)).max(axis=1, keepdims=True).astype(np.float32)


def _window(parts: list[tuple[_Stretch, slice]], fresh: Tensor) -> Window:
    def stacked(name: str) -> Tensor:
        return torch.from_numpy(np.stack([getattr(stretch, name)[part] for stretch, part in parts]))

    return Window(**{field.name: stacked(field.name) for field in fields(_Stretch)}, fresh=fresh)


def _turn(angle_rad: float) -> FloatArray:
    """(3, 3) to be multiplied from the right: a roll in the image plane."""
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]], np.float32)
