"""Images that two processes share: whole, read-only, and each in its place until that is taken."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest

from face1d_ros.replay.shared_images import PLACES, SharedImages


@pytest.fixture
def both() -> Iterator[tuple[SharedImages, SharedImages]]:
    descriptor = os.memfd_create("images")
    yield SharedImages(descriptor), SharedImages(descriptor)
    os.close(descriptor)


def image(number: int, height: int = 6, width: int = 8) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 255, (height, width, 3), np.uint8)


def test_so_many_lie_there_at_once(both: tuple[SharedImages, SharedImages]) -> None:
    writer, reader = both
    for first in range(0, 3 * PLACES, PLACES):
        places = [writer.put(image(first + number)) for number in range(PLACES)]
        for number, place in enumerate(places):
            np.testing.assert_array_equal(reader.image(place), image(first + number))


def test_the_next_takes_the_place_of_the_first(both: tuple[SharedImages, SharedImages]) -> None:
    writer, reader = both
    first = reader.image(writer.put(image(0)))
    for number in range(1, PLACES):
        writer.put(image(number))
    np.testing.assert_array_equal(first, image(0))
    writer.put(image(PLACES))
    np.testing.assert_array_equal(first, image(PLACES))


def test_a_larger_image_is_refused_and_a_smaller_one_is_not(both: tuple[SharedImages, SharedImages]) -> None:
    writer, reader = both
    first = reader.image(writer.put(image(0)))
    np.testing.assert_array_equal(reader.image(writer.put(image(1, 3, 4))), image(1, 3, 4))
    with pytest.raises(ValueError, match="places of 144"):
        writer.put(image(2, 7, 8))
    np.testing.assert_array_equal(first, image(0))


def test_an_image_that_is_a_view_is_put_in_whole(both: tuple[SharedImages, SharedImages]) -> None:
    writer, reader = both
    turned = image(3)[::-1, :, ::-1]
    np.testing.assert_array_equal(reader.image(writer.put(turned)), turned)


def test_nobody_who_reads_can_write(both: tuple[SharedImages, SharedImages]) -> None:
    writer, reader = both
    with pytest.raises(ValueError, match="read-only"):
        reader.image(writer.put(image(0)))[0] = 0
