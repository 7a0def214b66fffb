"""An order of landmarks along the face's curves, for networks that slide along them."""

from __future__ import annotations

from face1d_ros.errors import InvalidValueError
from face1d_ros.geometry.order import neighbours_first
from face1d_ros.geometry.topology import curve, curve_names
from face1d_ros.types import Topology

PATCH = 8
"""Landmarks that stand together where no curve goes."""


def curves_first(topology: Topology, multiple: int = 1) -> tuple[int, ...]:
    """Each landmark at the first curve that it lies on, in that curve's order; then those on none, patch by patch.

    Each landmark stands once; the last stands again until the count is a multiple of the one given.
    """
    if multiple < 1:
        raise InvalidValueError("multiple", multiple, "1 or more")
    along = [int(index) for name in curve_names(topology) for index in curve(name, topology).indices]
    order = list(dict.fromkeys((*along, *neighbours_first(topology, PATCH))))
    return (*order, *[order[-1]] * (-len(order) % multiple))
