"""What the left and the right half of a face do: motions that both can make, each read from all landmarks.

The weights were fitted by `face1d train asymmetry` on faces of which one half is weak: on healthy faces alone, of which
both halves do the same, each half would be read from the other as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face1d_ros.geometry.topology import partner
from face1d_ros.types import Topology

Floats = NDArray[np.float64]
TABLE = Path(__file__).with_name("asymmetry_signals.npz")
REGIONS = ("brow", "eye", "nose", "cheek", "mouth")
"""In the order of the message."""
MOTIONS = (
    *("browDown", "browInnerUp", "browOuterUp", "eyeBlink", "eyeSquint", "noseSneer", "cheekPuff", "cheekSquint"),
    *("mouthDimple", "mouthFrown", "mouthLowerDown", "mouthPress", "mouthSmile", "mouthStretch", "mouthUpperUp"),
)
"""What the facial nerve of each side commands, ARKit's names without the side. The eyes' turning and what lifts the
upper lid are left out: other nerves make them."""
MIRROR = np.array((-1.0, 1.0, 1.0))
"""Of the canonical face's axes."""


@dataclass(frozen=True, eq=False)
class Signals:
    """F motions of a topology, for the left and the right half, linear in the landmarks."""

    weights: Floats
    """(2 F, 3 N): first the left ones, then the right ones; 1 is all that a face can do, up to what each begins at."""
    region: NDArray[np.intp]
    """(F,) the place of each in `REGIONS`."""
    noise: Floats
    """(F,) standard deviation of what is no motion."""
    spread: Floats
    """(F,) of the index of one motion in one face, about the face's own index."""

    def of(self, aligned_cm: NDArray[np.floating]) -> Floats:
        """(2 F,) of landmarks (N, 3) brought onto the canonical face."""
        # As a matrix product OpenBLAS would wake its threads for it, which costs far more than the product.
        return np.einsum("fn,n->f", self.weights, aligned_cm.reshape(-1).astype(np.float64, copy=False))


@cache
def signals(topology: Topology) -> Signals:
    """Those that ship."""
    with np.load(TABLE, allow_pickle=False) as table:
        left, noise, spread = (
            table[f"{name}_{int(topology)}"].astype(np.float64) for name in ("left", "noise", "spread")
        )
    return both_halves(left, noise, spread, topology)


def both_halves(left: Floats, noise: Floats, spread: Floats, topology: Topology) -> Signals:
    """From the weights (F, N, 3) of the left half."""
    right = left[:, partner(topology)] * MIRROR
    weights = np.concatenate([left, right]).reshape(2 * len(left), 3 * int(topology))
    region = np.array([_region_of(name) for name in MOTIONS], np.intp)
    for array in (weights, region, noise, spread):
        array.flags.writeable = False
    return Signals(weights, region, noise, spread)


def _region_of(motion: str) -> int:
    return next(place for place, name in enumerate(REGIONS) if motion.startswith(name))
