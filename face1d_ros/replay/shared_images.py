"""Images in memory that two processes share: one puts them in, the other sees them without a copy."""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PLACES = 4
"""So many images lie there at once: the fifth takes the place of the first."""


@dataclass(frozen=True)
class Place:
    """Where an image lies."""

    offset: int
    shape: tuple[int, ...]


class SharedImages:
    """All of one size, on a file without a name that both processes have open."""

    def __init__(self, descriptor: int) -> None:
        """The file stays the caller's."""
        self._descriptor = descriptor
        self._memory: NDArray[np.uint8] = np.empty(0, np.uint8)
        self._place_bytes = self._count = 0

    def put(self, image: NDArray[np.uint8]) -> Place:
        """Copy it in, in place of the one `PLACES` before it. The first one says how large all are at most."""
        if not self._count:
            self._place_bytes = image.nbytes
            os.ftruncate(self._descriptor, PLACES * self._place_bytes)
        if image.nbytes > self._place_bytes:
            raise ValueError(f"an image of {image.nbytes} bytes, and places of {self._place_bytes}")
        place = Place(self._count % PLACES * self._place_bytes, image.shape)
        self._count += 1
        self._seen(place)[:] = image
        return place

    def image(self, place: Place) -> NDArray[np.uint8]:
        """The image itself, read-only: it changes when its place is taken."""
        image = self._seen(place)
        image.flags.writeable = False
        return image

    def _seen(self, place: Place) -> NDArray[np.uint8]:
        if not self._memory.size:
            self._memory = np.frombuffer(mmap.mmap(self._descriptor, 0), np.uint8)
        return self._memory[place.offset : place.offset + int(np.prod(place.shape))].reshape(place.shape)
