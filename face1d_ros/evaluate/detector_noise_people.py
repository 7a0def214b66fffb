"""The detector on pictures of real people, whose true landmarks nobody knows.

What can be had without truth: how a picture and its mirror image disagree, how deep the detector draws faces, and what
is left of a track after zero-phase smoothing (Savitzky–Golay, window 9, order 3, as everywhere in METRICS).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import SourceNotFoundError
from face1d_ros.evaluate.detector_noise import NoiseJudge, in_face_axes
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.pose import head_pose, yaw_pitch_roll_rad
from face1d_ros.geometry.topology import partner
from face1d_ros.sources import open_source
from face1d_ros.sources.portrait import astronaut
from face1d_ros.types import Topology

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]
CLIPS = ("single_face.mp4", "face_noface.mov", "noface_face.mov")
GROUP = "multi_face.jpg"
CROP = 1.9
"""Side of the picture of one face of a group over the face's size."""
LOOKS = 4
"""The detector's crop follows from its last result: it settles within so many looks at one picture."""
WINDOW, ORDER = 9, 3
SAME_FACE_SHARE = 0.25
"""Of the size: middles further apart than that are of two people."""


@dataclass(frozen=True, eq=False)
class Clip:
    """A real clip as the detector sees it."""

    name: str
    points: Floats
    """(T, 478, 3) px, NaN where no face was found."""
    rate_hz: float
    sha256: str

    def longest(self) -> Floats:
        """(T, 478, 3) the longest run of frames with a face."""
        seen = np.isfinite(self.points[:, 0, 0])
        edges = np.flatnonzero(np.diff(np.concatenate([[0], seen, [0]])))
        runs = edges.reshape(-1, 2)
        start, end = max(runs.tolist(), key=lambda run: run[1] - run[0], default=(0, 0))
        return self.points[start:end]


@dataclass(frozen=True, eq=False)
class People:
    """What pictures of real people say."""

    names: tuple[str, ...]
    """Of the pictures compared with their mirror images, one a person."""
    mirror_percent: Floats
    """(P, 478, 3) what a face and its mirror image disagree, over √2: see `mirrored`."""
    depth_gains: Floats
    """(P,) detected depth over the canonical face's in the same pose and scale."""
    clips: tuple[Clip, ...]


def measure_people(judge: NoiseJudge, folder: Path | None, clip_names: Sequence[str] = CLIPS) -> People:
    """Of the portrait, and of the pictures and clips in the folder."""
    pictures = [("portrait", astronaut()), *(_group(judge, folder) if folder else [])]
    clips = tuple(_clip(judge, folder / name) for name in clip_names) if folder else ()
    if folder:
        pictures.append((CLIPS[0], next(iter(open_source(str(folder / CLIPS[0]), clock=_no_clock).frames())).image))
    found = [(name, mirrored(judge, image), settled(judge, image)) for name, image in pictures]
    kept = [(name, field, points) for name, field, points in found if field is not None and points is not None]
    return People(
        tuple(name for name, _, _ in kept),
        np.array([field for _, field, _ in kept]),
        np.array([depth_gain(points) for _, _, points in kept]),
        clips,
    )


def settled(judge: NoiseJudge, image: Image) -> Floats | None:
    """(478, 3) the mean of the looks after the first at a picture."""
    judge.reset()
    looks = [judge.detect(image) for _ in range(LOOKS)]
    found = [points for points in looks[1:] if points is not None]
    return np.mean(found, axis=0) if found else None


def mirrored(judge: NoiseJudge, image: Image) -> Floats | None:
    """(478, 3) percent in the face's axes: disagreement of a picture with its mirror image, over √2.

    Were the detector right, both would agree. If its errors on a face and on the mirrored face are as different as on
    two people, their difference has twice the variance of either; what it gets wrong on both alike is not seen.
    """
    plain, flipped = settled(judge, image), settled(judge, np.ascontiguousarray(image[:, ::-1]))
    if plain is None or flipped is None:
        return None
    back = flipped[partner(Topology.MESH_478)] * [-1.0, 1.0, 1.0] + [image.shape[1] - 1.0, 0.0, 0.0]
    roll = yaw_pitch_roll_rad(head_pose(plain).rotation)[2]
    size = np.ptp(plain[:, :2], axis=0).max()
    if np.abs((plain - back)[:, :2].mean(axis=0)).max() > SAME_FACE_SHARE * size:
        return None
    return np.asarray(in_face_axes((plain - back)[None], np.array([roll]), np.array([size]))[0] / np.sqrt(2.0))


def depth_gain(points: Floats) -> float:
    """Slope of the detected depth (478, 3) over that of the canonical face, posed by the image plane alone."""
    flat = points[:468].copy()
    flat[:, 2] = np.nan
    pose = head_pose(flat)
    posed = pose.scale * canonical_face().points_cm[:468] @ pose.rotation.T
    return float(np.polyfit(posed[:, 2], points[:468, 2], 1)[0])


def rest_of_smoothing(points: Floats) -> Floats:
    """(T, N, C) what zero-phase smoothing takes away, without the ends that it cannot smooth on both sides."""
    from scipy.signal import savgol_filter

    margin = WINDOW // 2
    return np.asarray((points - savgol_filter(points, WINDOW, ORDER, axis=0))[margin:-margin])


def _group(judge: NoiseJudge, folder: Path) -> list[tuple[str, Image]]:
    """Each face of the group alone."""
    image = next(iter(open_source(str(folder / GROUP), clock=_no_clock).frames())).image
    return [(f"{GROUP} {index + 1}", crop) for index, crop in enumerate(_faces(image))]


def _faces(image: Image) -> Iterator[Image]:
    from face1d_ros.config import LandmarksConfig
    from face1d_ros.detect.detector import make_detector

    detector = make_detector(LandmarksConfig(max_faces=8))
    try:
        for _ in range(LOOKS):
            faces = detector.detect(image)
    finally:
        detector.close()
    for face in sorted(faces, key=lambda face: float(face.box[0])):
        x, y, width, height = face.box.tolist()
        half = CROP * max(width, height) / 2.0
        left, top = max(round(x + width / 2.0 - half), 0), max(round(y + height / 2.0 - half), 0)
        yield np.ascontiguousarray(image[top : top + round(2.0 * half), left : left + round(2.0 * half)])


def _clip(judge: NoiseJudge, path: Path) -> Clip:
    if not path.is_file():
        raise SourceNotFoundError(path, f"--videos names a folder that holds {', '.join(CLIPS)} and {GROUP}")
    source = open_source(str(path), clock=_no_clock)
    judge.reset()
    nothing = np.full((478, 3), np.nan)
    points = [found if (found := judge.detect(frame.image)) is not None else nothing for frame in source.frames()]
    return Clip(
        path.name, np.array(points), float(source.rate_hz or 30.0), hashlib.sha256(path.read_bytes()).hexdigest()
    )


def _no_clock() -> int:
    return 0
