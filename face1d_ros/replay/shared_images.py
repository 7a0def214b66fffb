"""Images in memory that two processes share: one puts them in, the other sees them without a copy."""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PLACES = 8
"""So many images lie there at once: the ninth takes the place of the first."""


@dataclass(frozen=True)
class Place:
    """Where an image lies."""

    offset: int
    shape: tuple[int, ...]


class SharedImages:
    """On a file without a name that both have open. It grows when a larger image comes."""

    def __init__(self, descriptor: int) -> None:
        """The file stays the caller's."""
        self._descriptor = descriptor
        self._memory: NDArray[np.uint8] = np.empty(0, np.uint8)
        self._first, self._place_bytes, self._count = 0, 0, 0

    def put(self, image: NDArray[np.uint8]) -> Place:
        """Copy it in, in place of the one `PLACES` before it."""
        if image.nbytes > self._place_bytes:
            # Those that lie there may still be looked at: new places begin behind them.
            self._first += PLACES * self._place_bytes
            self._place_bytes = image.nbytes
            os.ftruncate(self._descriptor, self._first + PLACES * self._place_bytes)
        place = Place(self._first + self._count % PLACES * self._place_bytes, image.shape)
        self._count += 1
        self._seen(place)[:] = image
        return place

    def image(self, place: Place) -> NDArray[np.uint8]:
        """The image itself, read-only: it changes when its place is taken."""
        image = self._seen(place)
        image.flags.writeable = False
        return image

    def _seen(self, place: Place) -> NDArray[np.uint8]:
        end = place.offset + int(np.prod(place.shape))
        if end > len(self._memory):
            self._memory = np.frombuffer(mmap.mmap(self._descriptor, 0), np.uint8)
        return self._memory[place.offset : end].reshape(place.shape)
