"""Menpo 2D: single images from frontal to profile (Zafeiriou and others, 2017; Deng and others, 2018)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from face1d_ros.datasets.base import Card, Completeness, Floats, RealSequence, check_split, damaged
from face1d_ros.datasets.files import IMAGE_EXTENSIONS, files_by_stem, read_ljson, read_pts, unpaired
from face1d_ros.datasets.images import ImageFiles
from face1d_ros.errors import DatasetFileError

POINTS = {68: "semifrontal", 39: "profile"}
"""How many points: which split."""
LANDMARKS = (".pts", ".ljson")


class Menpo:
    """Reads Menpo."""

    card = Card(
        name="menpo",
        title="Menpo benchmark",
        purpose="landmark error on single images up to profile",
        content="published training set: 6679 semi-frontal images with 68 points, 2300 in profile with 39",
        layout="**/*.jpg with *.pts or *.ljson of the same name\n"
        "(menpo_train_release/ as unpacked, testset/semifrontal/, testset/profile/)",
        licence="research only, not commercial; asked for by a form",
        where="https://ibug.doc.ic.ac.uk/resources/2nd-facial-landmark-tracking-competition-menpo-ben/",
        splits=("semifrontal", "profile", "other"),
        paper="ParFace-Net: unlabelled images of its first stage",
    )

    def __init__(self, root: Path) -> None:
        self.root = root

    def completeness(self) -> Completeness:
        """Each image has its points. How many there should be depends on the edition: it is not checked."""
        missing: list[str] = []
        found = {"images": 0, "images with points": 0}
        for folder, images, points in self._folders():
            below = "" if folder == self.root else f"{folder.relative_to(self.root)}/"
            found["images"] += len(images)
            found["images with points"] += len(images.keys() & points.keys())
            missing += unpaired(below, images, points, " (points: .pts or .ljson)")
        if not found["images with points"] and not missing:
            missing.append("images with points: none")
        return Completeness(found, tuple(missing))

    def sequences(self, split: str = "") -> Iterator[RealSequence]:
        """Each image is a sequence of one; which split it is in, its number of points says."""
        check_split(self.card, split)
        for folder, images, points in self._folders():
            for stem in sorted(images.keys() & points.keys()):
                name, image = str(folder.relative_to(self.root) / stem), ImageFiles([images[stem]])
                try:
                    count = _read(points[stem]).shape[0]
                except DatasetFileError as error:
                    yield damaged(name, image, error, point_count=68)
                    continue
                part = POINTS.get(count, "other")
                if split and part != split:
                    continue
                yield RealSequence(
                    name=name,
                    images=image,
                    split=part,
                    point_count=count,
                    read_landmarks=partial(_landmarks, points[stem]),
                )

    def _folders(self) -> Iterator[tuple[Path, dict[str, Path], dict[str, Path]]]:
        for folder in (self.root, *sorted(path for path in self.root.rglob("*") if path.is_dir())):
            images, points = files_by_stem(folder, IMAGE_EXTENSIONS), files_by_stem(folder, LANDMARKS)
            if images or points:
                yield folder, images, points


def _read(path: Path) -> Floats:
    return read_ljson(path) if path.suffix.lower() == ".ljson" else read_pts(path)


def _landmarks(path: Path) -> Floats:
    return _read(path)[None]
