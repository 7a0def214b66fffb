"""The seven groups of landmarks that a face consists of, for networks that look at each by itself."""

from __future__ import annotations

import numpy as np

from face1d_ros.geometry.topology import region
from face1d_ros.types import Topology

GROUPS = ("left_brow", "right_brow", "left_eye", "right_eye", "nose", "mouth", "contour")
"""As 1DFormer (Yin et al. 2024) has them. The contour has forehead and cheeks, too, where a topology has them."""


def seven_groups(topology: Topology) -> tuple[int, ...]:
    """(N,) for each landmark its place in `GROUPS`."""
    group_of = np.full(int(topology), GROUPS.index("contour"))
    for place, name in enumerate(GROUPS[:-1]):
        group_of[region(name, topology)] = place
    return tuple(group_of.tolist())
