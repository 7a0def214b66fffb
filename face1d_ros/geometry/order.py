"""An order of landmarks in which neighbours on the face stand together, for networks that look at parts of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import InvalidValueError
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.topology import indices_in
from face1d_ros.types import Topology


def neighbours_first(topology: Topology, part: int) -> tuple[int, ...]:
    """Landmarks in whole parts of this many, each part a patch of the face; the last ones may stand twice.

    The canonical face is halved across its longer side again and again, down to single patches.
    """
    if part < 1:
        raise InvalidValueError("part", part, "1 or more")
    points = canonical_face().points_cm[indices_in(topology, Topology.MESH_478), :2]
    patches = -(-len(points) // part)
    order = _halved(points, np.arange(len(points)), patches, part)
    fill = patches * part - len(order)
    return (*order, *order[len(order) - 1 : len(order) - 1 - fill : -1])


def _halved(points: NDArray[np.float64], chosen: NDArray[np.intp], patches: int, part: int) -> list[int]:
    """The chosen landmarks as so many patches, one after another; only the last may be smaller than a part."""
    if patches == 1:
        return [int(index) for index in chosen]
    place = points[chosen]
    axis = int(np.argmax(np.ptp(place, axis=0)))
    along = chosen[np.argsort(place[:, axis], kind="stable")]
    first = patches // 2
    cut = first * part
    return _halved(points, along[:cut], first, part) + _halved(points, along[cut:], patches - first, part)
