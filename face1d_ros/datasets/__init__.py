"""Real datasets by their published folder layouts: images, landmarks, poses and labels, read when asked for."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from face1d_ros.errors import DatasetIncompleteError, DatasetMissingError, UnknownKeyError
from face1d_ros.paths import user_path

if TYPE_CHECKING:
    from face1d_ros.datasets.base import Card, Dataset, Floats, RealSequence

DATASETS = {
    "300w": ("face1d_ros.datasets.w300", "W300"),
    "300vw": ("face1d_ros.datasets.vw300", "VW300"),
    "tf": ("face1d_ros.datasets.talking_face", "TalkingFace"),
    "menpo": ("face1d_ros.datasets.menpo", "Menpo"),
    "aflw2000": ("face1d_ros.datasets.aflw2000", "Aflw2000"),
    "biwi": ("face1d_ros.datasets.biwi", "Biwi"),
    "ck+": ("face1d_ros.datasets.ck_plus", "CkPlus"),
    "oulu-casia": ("face1d_ros.datasets.oulu_casia", "OuluCasia"),
    "mmi": ("face1d_ros.datasets.mmi", "Mmi"),
}
FACE_68 = 68


def cards() -> tuple[Card, ...]:
    """What is known about each dataset, whether it is here or not."""
    return tuple(dataset_class(name).card for name in DATASETS)


def dataset_class(name: str) -> Any:
    """The class that reads a dataset."""
    if name not in DATASETS:
        raise UnknownKeyError(name, DATASETS, "datasets")
    module, kind = DATASETS[name]
    return getattr(importlib.import_module(module), kind)


def locate_dataset(name: str, root: str | Path) -> Dataset:
    """The dataset in that folder, complete or not; refused if nothing of it is there."""
    kind = dataset_class(name)
    root = user_path(root)
    if not root.is_dir():
        raise DatasetMissingError(name, root, "is no folder", kind.card.where)
    dataset: Dataset = kind(root)
    return dataset


def open_dataset(name: str, root: str | Path, *, partial: bool = False) -> Dataset:
    """The dataset in that folder; refused file by file if it is not complete, unless `partial`."""
    dataset = locate_dataset(name, root)
    if not partial:
        report = dataset.completeness()
        if report.empty:
            raise DatasetMissingError(name, dataset.root, "holds nothing of it", dataset.card.where)
        if not report.complete:
            raise DatasetIncompleteError(name, dataset.root, report.missing, dataset.card.where)
    return dataset


def landmark_sequences(dataset: Dataset, split: str = "") -> Iterator[tuple[RealSequence, Floats]]:
    """Sequences with the 68 points, and these: (T, 68, 2) px, NaN what is not annotated. Images: `.images`."""
    for sequence in dataset.sequences(split):
        if sequence.point_count == FACE_68 and sequence.read_landmarks is not None:
            yield sequence, sequence.read_landmarks()[..., :2]
