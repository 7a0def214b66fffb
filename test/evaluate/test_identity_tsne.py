"""Places in a plane by which groups are seen."""

from __future__ import annotations

import numpy as np
import pytest

from face1d_ros.errors import GeometryError
from face1d_ros.evaluate.identity_tsne import tsne


def groups(count: int, size: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.normal(0.0, 1.0, (count, 1, 32)) + rng.normal(0.0, 0.2, (count, size, 32))).reshape(-1, 32)


def test_groups_stay_together_and_apart() -> None:
    places = tsne(groups(4, 8))
    label = np.repeat(np.arange(4), 8)
    distance = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (label[distance.argmin(axis=1)] == label).all()
    same = label[:, None] == label[None]
    np.fill_diagonal(distance, 0.0)
    assert distance[same].max() < 2.0 * distance[~same].min()


def test_the_same_points_lie_in_the_same_places() -> None:
    assert np.array_equal(tsne(groups(2, 4)), tsne(groups(2, 4)))


@pytest.mark.parametrize("points", [np.zeros((3, 2)), np.zeros(5), np.full((6, 2), np.nan), np.zeros((1001, 2))])
def test_what_cannot_be_placed_is_refused(points: np.ndarray) -> None:
    with pytest.raises(GeometryError, match="4 to 1000"):
        tsne(points)


def test_points_that_are_all_the_same_give_finite_places() -> None:
    assert np.isfinite(tsne(np.ones((8, 3)))).all()
