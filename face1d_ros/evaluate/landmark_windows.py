"""Windows of landmark motion to measure representations on: 68 points in the image plane, with the truth if known."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from face1d_ros.config import LandmarksConfig
from face1d_ros.datasets import landmark_sequences
from face1d_ros.datasets.base import Dataset
from face1d_ros.detect.detector import make_detector
from face1d_ros.errors import DatasetMissingError, SourceUnreadableError
from face1d_ros.geometry.topology import to_68
from face1d_ros.sources.portrait import AnimatedPortrait
from face1d_ros.sources.portrait_motion import STILL
from face1d_ros.sources.video import VideoFile
from face1d_ros.types import Frame

Floats = NDArray[np.float64]
FRAMES = 64
"""T of a window: 2.1 s at 30 Hz."""
PORTRAIT_S = 20.0
"""After which its motion begins again."""
PORTRAIT_HZ = 30.0


@dataclass(frozen=True, eq=False)
class Windows:
    """B windows of T frames."""

    name: str
    clean: Floats
    """(B, T, 68, 2) px: the truth, marks made by hand, or what stands for them."""
    observed: Floats | None
    """(B, T, 68, 2) px as the detector saw it, NaN where it saw nothing; None where only one of both is known."""
    group: NDArray[np.intp]
    """(B,) windows of the same number must not be on both sides of what is learned and what is measured."""
    truth: bool
    """Whether `clean` is known by itself, and not what a detector saw."""

    @property
    def sha256(self) -> str:
        """Of the landmarks to a thousandth of a pixel."""
        return hashlib.sha256(np.round(self.clean * 1000.0).astype(np.int64).tobytes()).hexdigest()


def fewer(windows: Windows, most: int) -> Windows:
    """At most so many of them, evenly spread, so that all groups keep their part."""
    if len(windows.clean) <= most:
        return windows
    # By group, so that no regular order of recordings leaves a group out.
    order = np.argsort(windows.group, kind="stable")
    kept = np.sort(order[np.linspace(0, len(order) - 1, most).round().astype(np.intp)])
    observed = None if windows.observed is None else windows.observed[kept]
    return Windows(windows.name, windows.clean[kept], observed, windows.group[kept], windows.truth)


class TrueSequence(Protocol):
    """What is taken of a synthetic sequence."""

    @property
    def observed(self) -> NDArray[np.floating[Any]]:
        """(T, N, 2 or 3) px, NaN where nothing was seen."""
        ...

    @property
    def clean_px(self) -> NDArray[np.floating[Any]]:
        """(T, N, 2 or 3) px."""
        ...

    @property
    def present(self) -> NDArray[np.bool_]:
        """(T,) whether the head was before the camera."""
        ...

    @property
    def subject_id(self) -> int:
        """Whose face it is."""
        ...


def sequence_windows(name: str, sequences: Iterable[TrueSequence], frames: int = FRAMES) -> Windows:
    """Of synthetic sequences, where the head is before the camera for so many frames; one group a subject."""
    clean, observed, group = [], [], []
    for sequence in sequences:
        true, seen = (
            to_68(np.asarray(points, np.float64)[..., :2]) for points in (sequence.clean_px, sequence.observed)
        )
        for start in window_starts(sequence.present & np.isfinite(true).all(axis=(1, 2)), frames):
            clean.append(true[start : start + frames])
            observed.append(seen[start : start + frames])
            group.append(int(sequence.subject_id))
    if not clean:
        raise SourceUnreadableError(name, f"has no {frames} frames in a row with a face; choose fewer frames a window")
    return Windows(name, np.array(clean), np.array(observed), np.array(group, np.intp), True)


def dataset_windows(dataset: Dataset, split: str = "", frames: int = FRAMES) -> Windows:
    """Of marked videos of a real dataset; one group a subject, or a video where the dataset names no subjects."""
    clean, names = [], []
    for sequence, points in landmark_sequences(dataset, split):
        for start in window_starts(np.isfinite(points).all(axis=(1, 2)), frames) if sequence.video else ():
            clean.append(points[start : start + frames])
            names.append(sequence.subject or sequence.name)
    if not clean:
        problem = f"holds no video with {frames} frames in a row marked with 68 points"
        raise DatasetMissingError(dataset.card.name, dataset.root, problem, dataset.card.where)
    group = np.unique(names, return_inverse=True)[1]
    return Windows(dataset.card.title, np.array(clean), None, group.astype(np.intp), True)


def portrait_windows(frames: int = FRAMES) -> Windows:
    """Of the animated portrait's known motion; what a landmark is, the detector says on the photo at rest."""
    portrait = AnimatedPortrait(rate_hz=PORTRAIT_HZ, length=round(PORTRAIT_S * PORTRAIT_HZ))
    (rest,) = AnimatedPortrait(length=1, motion=STILL).frames_with_truth()
    (seen,) = _detected([rest[0]])
    if seen is None:
        raise SourceUnreadableError("portrait", "shows no face to the detector; run `face1d doctor`")
    places = rest[1].trace_back(seen)
    clean = np.array([portrait.move(places, index / PORTRAIT_HZ) for index in range(portrait.length or 0)])
    return _halves("the animated portrait", clean, np.ones(len(clean), np.bool_), frames, True)


def video_windows(path: str | Path, frames: int = FRAMES) -> Windows:
    """What the detector sees in a video, as it is, without truth."""
    with VideoFile(path) as video:
        found = list(_detected(video.frames()))
    seen = np.array([points is not None for points in found], np.bool_)
    if not seen.any():
        raise SourceUnreadableError(path, "shows no face to the detector")
    nothing = np.full((68, 2), np.nan)
    points = np.array([nothing if points is None else points for points in found])
    return _halves(Path(path).name, points, seen, frames, False)


def window_starts(usable: NDArray[np.bool_], frames: int) -> list[int]:
    """First frames of windows without gaps, side by side from the beginning of each usable stretch."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], usable, [False]]).astype(np.int8)))
    return [
        int(start) for first, end in edges.reshape(-1, 2) for start in range(int(first), int(end) - frames + 1, frames)
    ]


def _halves(name: str, points: Floats, usable: NDArray[np.bool_], frames: int, truth: bool) -> Windows:
    """One recording: its first half is one group, its second the other."""
    half = len(points) // 2
    parts = [
        [start + begin for start in window_starts(usable[begin:end], frames)]
        for begin, end in ((0, half), (half, None))
    ]
    if not all(parts):
        raise SourceUnreadableError(name, f"has less than {frames} frames in a row with a face in each of its halves")
    clean = np.array([points[start : start + frames] for start in (*parts[0], *parts[1])])
    return Windows(name, clean, None, np.repeat([0, 1], [len(part) for part in parts]), truth)


def _detected(images: Iterable[Frame]) -> Iterator[Floats | None]:
    """(68, 2) px of the first face in each image."""
    detector = make_detector(LandmarksConfig(max_faces=1))
    try:
        for image in images:
            faces = detector.detect(image.image)
            yield to_68(faces[0].points[:, :2]).astype(np.float64) if faces else None
    finally:
        detector.close()
