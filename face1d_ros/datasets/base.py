"""What every dataset looks like: sequences of images with what is known about them, read when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from face1d_ros.datasets.images import Images
from face1d_ros.errors import DatasetFileError, InvalidValueError

Floats = NDArray[np.float64]
EXPRESSIONS = ("neutral", "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")
"""Labels are of these; "" where there is none."""


@dataclass(frozen=True, eq=False)
class HeadPose:
    """Where a head is and how it is turned; a face that looks straight into the camera has the identity."""

    rotation: Floats
    """(T, 3, 3) in the camera's optical frame (x right, y down, z away)."""
    position_mm: Floats | None = None
    """(T, 3) in that frame."""
    own_angles_rad: Floats | None = None
    """(T, 3) pitch, yaw and roll as the file has them, where it has angles: what protocols select by."""


@dataclass(frozen=True, eq=False)
class RealSequence:
    """Images of one face, in order, or a single image (T = 1). Nothing is read before it is asked for."""

    name: str
    """Unique in its dataset."""
    images: Images
    split: str = ""
    subject: str = ""
    """"" where the dataset does not say."""
    video: bool = False
    """Whether the images follow each other in time."""
    rate_hz: float | None = None
    label: str = ""
    """Expression that is shown, one of `EXPRESSIONS`."""
    point_count: int = 0
    """Landmarks an image has; 0 for none."""
    read_landmarks: Callable[[], Floats] | None = field(default=None, repr=False)
    """(T, N, 2) or (T, N, 3) px, 0 at the centre of the first pixel, z away; NaN what is not annotated."""
    read_pose: Callable[[], HeadPose] | None = field(default=None, repr=False)
    read_phases: Callable[[], NDArray[np.int8]] | None = field(default=None, repr=False)
    """(T,) values of `Phase`."""
    damage: DatasetFileError | None = field(default=None, repr=False)
    """Why not even its split and label can be read."""


@dataclass(frozen=True)
class Card:
    """What somebody has to know who does not have the dataset yet."""

    name: str
    """As it is asked for."""
    title: str
    purpose: str
    """What it is good for here."""
    content: str
    """How much there is, as published."""
    layout: str
    """The expected tree below the root, a line each."""
    licence: str
    where: str
    """Address of the page that gives it."""
    splits: tuple[str, ...] = ()
    """Parts that can be asked for."""
    paper: str = ""
    """Which of the five systems evaluates on it, and how."""


@dataclass(frozen=True)
class Completeness:
    """What is there and what is not."""

    found: Mapping[str, int]
    """How many of each kind."""
    missing: tuple[str, ...]
    """Paths below the root; a line with numbers where the names cannot be known."""

    @property
    def complete(self) -> bool:
        """True if nothing is missing."""
        return not self.missing

    @property
    def empty(self) -> bool:
        """True if there is nothing of the dataset at all."""
        return not any(self.found.values())


class Dataset(Protocol):
    """One dataset in its folder."""

    card: Card
    root: Path

    def completeness(self) -> Completeness:
        """Looks at every file's name, and into none."""
        ...

    def sequences(self, split: str = "") -> Iterator[RealSequence]:
        """All that can be used, or those of one of `card.splits`; what is half there is left out."""
        ...


def damaged(
    name: str, images: Images, error: DatasetFileError, point_count: int = 0, subject: str = ""
) -> RealSequence:
    """A sequence of which not even its split can be read: whatever is asked of it raises that error.

    It is in every split that is asked for, so that nobody loses it without being told.
    """

    def refuse() -> NoReturn:
        raise error

    return RealSequence(
        name,
        images,
        subject=subject,
        point_count=point_count,
        read_landmarks=refuse,
        read_pose=refuse,
        read_phases=refuse,
        damage=error,
    )


def check_split(card: Card, split: str) -> None:
    """Refuses a split that the dataset does not have."""
    if split and split not in card.splits:
        expected = f"one of {', '.join(card.splits)}" if card.splits else "none: this dataset has no splits"
        raise InvalidValueError(f"split of {card.name}", split, expected)
