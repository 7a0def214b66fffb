"""Train, validation and test, apart by construction.

Apart in seeds: the split is part of every seed. Apart in identities and motions: each split has its own range of
ids, and what belongs to an id is drawn from the split's seeds. Apart in motion parameters: a unit interval is cut into
1000 cells; of every ten the first eight are of train, the ninth of validation, the tenth of test. A plan's random
numbers come from the cells of its split alone, so that no test value of a drawn parameter lies in a cell that training
has seen, while all splits have the same distribution. Expressions and free motions are apart by what they are made of,
too (`motion.draws.split_of_key`).
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence

VERSION = 1
"""Part of every seed: raised when the same seeds shall give other plans."""
CELLS = 1000
PERIOD = 10
IDS_A_SPLIT = 1 << 28
"""Room for motion ids (int32) and subject numbers of one split."""


class Split(IntEnum):
    """Which part of a data set; the value is in every seed."""

    TRAIN = 1
    VALIDATION = 2
    TEST = 3


class Purpose(IntEnum):
    """What a stream of random numbers is for; the value is in its seed."""

    SUBJECT = 1
    MOTION = 2
    HEAD = 3
    CAMERA = 4
    NOISE = 5
    DEFINITION = 6
    EVENTS = 7


CELLS_IN_PERIOD = {Split.TRAIN: tuple(range(8)), Split.VALIDATION: (8,), Split.TEST: (9,)}
_CELLS = {
    split: [float(period + cell) for period in range(0, CELLS, PERIOD) for cell in cells]
    for split, cells in CELLS_IN_PERIOD.items()
}
_CELL_ARRAYS = {split: np.array(cells) for split, cells in _CELLS.items()}


class SplitGenerator(Generator):
    """A generator whose uniform numbers fall into the cells of one split only."""

    def __init__(self, split: Split, *seed: int) -> None:
        super().__init__(PCG64(SeedSequence([VERSION, int(split), *seed])))
        self.split = split

    def random(self, size: Any = None, dtype: Any = np.float64, out: Any = None) -> Any:
        """As numpy's, in float64."""
        cells = _CELLS[self.split]
        if size is None:
            place = super().random() * len(cells)
            return (cells[int(place)] + (place - int(place))) / CELLS
        places = super().random(size) * len(cells)
        whole = np.floor(places)
        return (_CELL_ARRAYS[self.split][whole.astype(np.intp)] + (places - whole)) / CELLS

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
        """As numpy's."""
        return low + (high - low) * self.random(size)


def cell_of(value: float) -> int:
    """Which of the cells a number in [0, 1) lies in."""
    return int(np.floor(value * CELLS))


def split_of(value: float) -> Split:
    """The split whose cell it is."""
    return next(split for split, cells in CELLS_IN_PERIOD.items() if cell_of(value) % PERIOD in cells)


def first_id(split: Split) -> int:
    """Ids of a split are this and the following `IDS_A_SPLIT`."""
    return int(split) * IDS_A_SPLIT
