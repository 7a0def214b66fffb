"""CK+: posed expressions from neutral to their apex (Lucey and others, 2010)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from face1d_ros.datasets.base import EXPRESSIONS, Card, Completeness, Floats, RealSequence, check_split, damaged
from face1d_ros.datasets.files import (
    IMAGE_EXTENSIONS,
    files_by_stem,
    first_folder,
    folders_in,
    gaps,
    read_numbers,
    short_of,
)
from face1d_ros.datasets.images import ImageFiles
from face1d_ros.errors import DatasetFileError

SUBJECTS, SEQUENCES, LABELLED = 123, 593, 327
RATE_HZ = 30.0
IMAGES = ("cohn-kanade-images", "extended-cohn-kanade-images/cohn-kanade-images", "extended-cohn-kanade-images")
EMOTIONS = ("Emotion_labels/Emotion", "Emotion_labels", "Emotion")
LANDMARKS = ("Landmarks/Landmarks", "Landmarks")


class CkPlus:
    """Reads the extended Cohn-Kanade dataset. Its labels are numbered as `EXPRESSIONS` is."""

    card = Card(
        name="ck+",
        title="Extended Cohn-Kanade (CK+)",
        purpose="expression recognition from onset to apex",
        content="593 sequences of 123 people, 327 with one of seven expressions; 68 points in every frame",
        layout="cohn-kanade-images/S005/001/S005_001_00000001.png …\n"
        "Emotion/S005/001/S005_001_00000011_emotion.txt (where labelled)\n"
        "Landmarks/S005/001/S005_001_00000001_landmarks.txt …",
        licence="research only, not commercial; asked for by a signed agreement",
        where="https://www.jeffcohn.net/resources/",
        splits=("labelled", "unlabelled"),
        paper="sequential expression recognition: ten folds, no subject in two",
    )

    def __init__(self, root: Path) -> None:
        self.root = root

    def completeness(self) -> Completeness:
        """Frames without a gap, points for each, and as many subjects, sequences and labels as published."""
        missing: list[str] = []
        folders = list(self._folders())
        labelled = 0
        for folder in folders:
            images = self._images(folder)
            lost = gaps((_number(stem) for stem in images), 1, max((_number(stem) for stem in images), default=1))
            missing += [f"{_below(folder)}/{_below(folder).replace('/', '_')}_{number:08d}.png" for number in lost]
            points = self._points(folder)
            missing += [f"{_below(folder)}/{stem}_landmarks.txt" for stem in images if stem not in points]
            labelled += self._emotion_file(folder) is not None
        subjects = len({folder.parent.name for folder in folders})
        missing += short_of("subjects", subjects, SUBJECTS) + short_of("sequences", len(folders), SEQUENCES)
        missing += short_of("labels", labelled, LABELLED)
        return Completeness({"subjects": subjects, "sequences": len(folders), "labels": labelled}, tuple(missing))

    def sequences(self, split: str = "") -> Iterator[RealSequence]:
        """Each from neutral (first image) to apex (last image)."""
        check_split(self.card, split)
        for folder in self._folders():
            images = self._images(folder)
            if not images:
                continue
            try:
                label = self._label(folder)
            except DatasetFileError as error:
                files = ImageFiles(list(images.values()))
                yield damaged(_below(folder), files, error, point_count=68, subject=folder.parent.name)
                continue
            part = "labelled" if label else "unlabelled"
            if split and part != split:
                continue
            stems, points = list(images), self._points(folder)
            whole = all(stem in points for stem in stems)
            yield RealSequence(
                name=_below(folder),
                images=ImageFiles(list(images.values())),
                split=part,
                subject=folder.parent.name,
                video=True,
                rate_hz=RATE_HZ,
                label=label,
                point_count=68 if whole else 0,
                read_landmarks=partial(_landmarks, [points[stem] for stem in stems]) if whole else None,
            )

    def _folders(self) -> Iterator[Path]:
        images = first_folder(self.root, *IMAGES)
        for subject in folders_in(images, r"S\d+") if images else []:
            yield from folders_in(subject, r"\d+")

    def _images(self, folder: Path) -> dict[str, Path]:
        return files_by_stem(folder, IMAGE_EXTENSIONS, r"S\d+_\d+_\d+")

    def _points(self, folder: Path) -> dict[str, Path]:
        """By the image's stem."""
        place = first_folder(self.root, *LANDMARKS)
        files = files_by_stem(place / _below(folder), (".txt",), r".*_landmarks") if place else {}
        return {stem.removesuffix("_landmarks"): path for stem, path in files.items()}

    def _emotion_file(self, folder: Path) -> Path | None:
        place = first_folder(self.root, *EMOTIONS)
        files = files_by_stem(place / _below(folder), (".txt",), r".*_emotion") if place else {}
        return next(iter(files.values()), None)

    def _label(self, folder: Path) -> str:
        path = self._emotion_file(folder)
        if path is None:
            return ""
        number = read_numbers(path, 1)[0]
        if not number.is_integer() or not 0 <= number < len(EXPRESSIONS):
            raise DatasetFileError(path, f"label {number:g}", f"0 to {len(EXPRESSIONS) - 1}")
        return EXPRESSIONS[int(number)]


def _below(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}"


def _number(stem: str) -> int:
    return int(stem.rsplit("_", 1)[1])


def _landmarks(paths: Sequence[Path]) -> Floats:
    return np.stack([read_numbers(path, 136)[:136].reshape(68, 2) for path in paths])
