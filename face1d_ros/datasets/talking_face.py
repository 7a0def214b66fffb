"""The talking face video of FGNET (Cootes): one person in conversation, 5000 frames.

Its 68 points are not those of 300W: jaw 0–14, brows 15–26, eyes 27–36, nose 37–47 and 67, mouth 48–66. Seven of them
are points of both, the corners of eyes and mouth and the tip of the nose; the others are given as NaN.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from face1d_ros.datasets.base import Card, Completeness, Floats, RealSequence, check_split
from face1d_ros.datasets.files import IMAGE_EXTENSIONS, files_by_stem, gaps, read_pts
from face1d_ros.datasets.images import ImageFiles
from face1d_ros.errors import DatasetFileError

FRAMES = 5000
RATE_HZ = 25.0
"""5000 frames are about 200 s."""
TO_300W = {27: 36, 29: 39, 34: 42, 32: 45, 67: 30, 48: 48, 54: 54}
"""Common points: here, and among the 68 points of 300W."""
FROM_THE_LEFT = (27, 29, 34, 32)
"""The corners of the eyes as they lie in the image, which tells whether the order of points is the one expected."""
NAME = r"franck_\d{5}"


class TalkingFace:
    """Reads the talking face video."""

    card = Card(
        name="tf",
        title="Talking Face Video (FGNET)",
        purpose="landmark error and stability on a long video with seven points",
        content="5000 frames of 720×576 of one person; 68 points each, tracked by a model and checked by eye",
        layout="**/franck_00000.jpg … franck_04999.jpg\n**/franck_00000.pts … franck_04999.pts",
        licence="free to download; made available by the EU project FGNET",
        where="https://personalpages.manchester.ac.uk/staff/timothy.f.cootes/data/talking_face/talking_face.html",
        paper="1DFormer: NRMSE and stability error of the seven points that it has in common with 300VW",
    )

    def __init__(self, root: Path) -> None:
        self.root = root

    def completeness(self) -> Completeness:
        """Image and points of each frame."""
        images, points = self._files()
        missing = []
        for files, extension in ((images, ".jpg"), (points, ".pts")):
            lost = gaps((_number(stem) for stem in files), 0, FRAMES - 1)
            missing += [f"franck_{number:05d}{extension}" for number in lost]
        return Completeness({"images": len(images), "points": len(points)}, tuple(missing))

    def sequences(self, split: str = "") -> Iterator[RealSequence]:
        """One sequence: the longest stretch of frames that are there."""
        check_split(self.card, split)
        images, points = self._files()
        stems = _longest_stretch(sorted(images.keys() & points.keys()))
        if not stems:
            return
        yield RealSequence(
            name="franck",
            images=ImageFiles([images[stem] for stem in stems]),
            subject="franck",
            video=True,
            rate_hz=RATE_HZ,
            point_count=68,
            read_landmarks=lambda: np.stack([_landmarks(points[stem]) for stem in stems]),
        )

    def _files(self) -> tuple[dict[str, Path], dict[str, Path]]:
        """Wherever the archives were unpacked: in the root, or in folders below."""
        images: dict[str, Path] = {}
        points: dict[str, Path] = {}
        for folder in (self.root, *sorted(path for path in self.root.rglob("*") if path.is_dir())):
            images |= files_by_stem(folder, IMAGE_EXTENSIONS, NAME)
            points |= files_by_stem(folder, (".pts",), NAME)
        return images, points


def _number(stem: str) -> int:
    return int(stem.rsplit("_", 1)[1])


def _longest_stretch(stems: list[str]) -> list[str]:
    """Of sorted names, those whose numbers follow each other."""
    breaks = np.flatnonzero(np.diff([_number(stem) for stem in stems]) != 1) + 1
    return max((list(part) for part in np.split(np.array(stems, object), breaks)), key=len)


def _landmarks(path: Path) -> Floats:
    """(68, 2) in the order of 300W, NaN but for seven. The files do not say where they count from; 0 is taken."""
    points = read_pts(path, first_pixel=0.0)
    if points.shape[0] != 68:
        raise DatasetFileError(path, f"{points.shape[0]} points", "68")
    if not (np.diff(points[list(FROM_THE_LEFT), 0]) > 0.0).all():
        raise DatasetFileError(path, "another order of points", "eye corners 27, 29, 34, 32 from the left")
    found = np.full((68, 2), np.nan)
    found[list(TO_300W.values())] = points[list(TO_300W)]
    return found
