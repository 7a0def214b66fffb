"""300W: single images in the wild with 68 points (Sagonas and others, 2016)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from face1d_ros.datasets.base import Card, Completeness, Floats, RealSequence, check_split
from face1d_ros.datasets.files import IMAGE_EXTENSIONS, files_by_stem, read_pts, short_of, unpaired
from face1d_ros.datasets.images import ImageFiles

PARTS = {
    "afw": ("train", 337),
    "helen/trainset": ("train", 2000),
    "lfpw/trainset": ("train", 811),
    "helen/testset": ("common", 330),
    "lfpw/testset": ("common", 224),
    "ibug": ("challenging", 135),
    "300W/01_Indoor": ("test", 300),
    "300W/02_Outdoor": ("test", 300),
}
"""Folder: its split, and how many images it has."""
MEMBERS = {"full": ("common", "challenging")}


class W300:
    """Reads 300W."""

    card = Card(
        name="300w",
        title="300 Faces in the Wild",
        purpose="landmark error on single images; training images for trackers",
        content="3148 training images, 689 of the full test set (554 common, 135 challenging), 600 of the challenge",
        layout="\n".join(
            f"{folder}/*.jpg|png with *.pts of the same name ({count})" for folder, (_, count) in PARTS.items()
        ),
        licence="research only, not commercial; asked for by a form",
        where="https://ibug.doc.ic.ac.uk/resources/300-W/",
        splits=("train", "common", "challenging", "full", "test"),
        paper="1DFormer: pre-training on the 3148 training images",
    )

    def __init__(self, root: Path) -> None:
        self.root = root

    def completeness(self) -> Completeness:
        """Each image has its points, and each folder its number of images."""
        missing: list[str] = []
        found = {"images": 0, "files of points": 0}
        for folder, (_, expected) in PARTS.items():
            images, points = self._files(folder)
            found["images"] += len(images)
            found["files of points"] += len(points)
            missing += unpaired(f"{folder}/", images, points, ".pts")
            missing += short_of(f"{folder}/ images", len(images), expected)
        return Completeness(found, tuple(missing))

    def sequences(self, split: str = "") -> Iterator[RealSequence]:
        """Each image is a sequence of one."""
        check_split(self.card, split)
        wanted = MEMBERS.get(split, (split,))
        for folder, (part, _) in PARTS.items():
            if split and part not in wanted:
                continue
            images, points = self._files(folder)
            for stem in sorted(images.keys() & points.keys()):
                yield RealSequence(
                    name=f"{folder}/{stem}",
                    images=ImageFiles([images[stem]]),
                    split=part,
                    point_count=68,
                    read_landmarks=partial(_landmarks, points[stem]),
                )

    def _files(self, folder: str) -> tuple[dict[str, Path], dict[str, Path]]:
        place = self.root / folder
        return files_by_stem(place, IMAGE_EXTENSIONS), files_by_stem(place, (".pts",))


def _landmarks(path: Path) -> Floats:
    return read_pts(path)[None]
