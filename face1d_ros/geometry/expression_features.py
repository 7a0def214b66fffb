"""Distances and angles that facial actions change, of landmarks without the head's pose, left and right apart.

One table says which landmarks, under which name, and which action of the Facial Action Coding System each follows.
Numbers are those of the 68 landmarks, which every topology here has; the table has the left side and the middle, the
right side is its mirror image. Letters: B faces, N landmarks, F features.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.geometry.topology import indices_in, partner, topology_of
from face1d_ros.types import Topology

Floats = NDArray[np.float32]
Points = NDArray[np.floating[Any]]

DISTANCES: tuple[tuple[str, int, int, str], ...] = (
    ("inner brow to inner eye corner", 22, 42, "AU1 inner brow raiser, AU4 brow lowerer"),
    ("brow to upper lid", 24, 43, "AU1, AU2, AU5 upper lid raiser"),
    ("brow to outer upper lid", 24, 44, "AU2 outer brow raiser"),
    ("outer brow to outer eye corner", 26, 45, "AU2"),
    ("inner brow to top of nose", 22, 27, "AU1, AU4"),
    ("lid opening, inner", 43, 47, "AU5, AU7 lid tightener, AU43 eye closure"),
    ("lid opening, outer", 44, 46, "AU5, AU7, AU43"),
    ("eye width", 42, 45, "AU7"),
    ("outer lower lid to mouth corner", 46, 54, "AU6 cheek raiser, AU12 lip corner puller"),
    ("inner lower lid to mouth corner", 47, 54, "AU6, AU12"),
    ("nostril to inner eye corner", 35, 42, "AU9 nose wrinkler"),
    ("nostril to upper lip", 35, 53, "AU10 upper lip raiser"),
    ("nostril to mouth corner", 35, 54, "AU12, AU15 lip corner depressor"),
    ("mouth corner to outer eye corner", 54, 45, "AU12, AU15"),
    ("mouth corner to inner eye corner", 54, 42, "AU12, AU15"),
    ("mouth corner to nose base", 54, 33, "AU12, AU14 dimpler, AU20 lip stretcher"),
    ("mouth corner to chin", 54, 8, "AU15"),
    ("mouth corner to top of nose", 54, 27, "AU12, AU15"),
    ("upper lip beside the middle", 53, 63, "AU23 lip tightener, AU24 lip pressor"),
    ("lower lip beside the middle", 55, 65, "AU23, AU24"),
    ("mouth corner to lower lip", 54, 57, "AU16 lower lip depressor, AU18 lip pucker"),
    ("mouth corner to upper lip", 54, 51, "AU10, AU18"),
    ("between the brows", 21, 22, "AU4"),
    ("between the nostrils", 31, 35, "AU9, AU38 nostril dilator"),
    ("mouth width", 48, 54, "AU12, AU18, AU20"),
    ("inner mouth width", 60, 64, "AU12, AU18, AU20"),
    ("mouth opening", 62, 66, "AU25 lips part, AU26 jaw drop, AU27 mouth stretch"),
    ("lips' height", 51, 57, "AU23, AU24, AU25"),
    ("upper lip", 51, 62, "AU10, AU23, AU24"),
    ("lower lip", 66, 57, "AU16, AU23, AU24"),
    ("lower lip to chin", 57, 8, "AU17 chin raiser"),
    ("chin to nose base", 8, 33, "AU26, AU27"),
    ("nose base to upper lip", 33, 51, "AU10, AU17"),
    ("length of the nose", 27, 33, "AU9"),
    ("top of nose to upper lip", 27, 51, "AU9, AU10"),
)
"""Name, two landmarks, action."""
ANGLES: tuple[tuple[str, int, int, int, str], ...] = (
    ("bend of the brow", 22, 24, 26, "AU1, AU2, AU4"),
    ("slope of the inner brow", 42, 22, 26, "AU1, AU4"),
    ("outer eye corner", 44, 45, 46, "AU5, AU6, AU7"),
    ("inner eye corner", 43, 42, 47, "AU5, AU7"),
    ("mouth corner", 51, 54, 57, "AU12, AU20, AU25"),
    ("inner mouth corner", 62, 64, 66, "AU25"),
    ("mouth corner between nose and chin", 33, 54, 8, "AU12, AU15, AU26"),
    ("mouth corner between eye and chin", 45, 54, 8, "AU12, AU15"),
    ("bow of the upper lip", 48, 51, 54, "AU10, AU12, AU15"),
    ("bow of the lower lip", 48, 57, 54, "AU12, AU15, AU16"),
    ("bow of the inner upper lip", 48, 62, 54, "AU12, AU15"),
    ("bow of the inner lower lip", 48, 66, 54, "AU12, AU15, AU26"),
    ("mouth corners from the nose", 48, 33, 54, "AU12, AU20"),
    ("mouth corners from the chin", 48, 8, 54, "AU15, AU20"),
    ("inner brows from the top of the nose", 21, 27, 22, "AU4"),
)
"""Name, three landmarks with the vertex in the middle, action."""
LEAST_CM = 1e-3


def feature_names() -> tuple[str, ...]:
    """(F,) first distances, then angles; `left` or `right` where there are two."""
    return tuple(name for table in (DISTANCES, ANGLES) for name, _ in _both_sides(table))


def distance_count() -> int:
    """How many of the features are distances."""
    return len(_both_sides(DISTANCES))


def expression_features(aligned_cm: Points) -> Floats:
    """(B, F) distances in cm on the canonical face and angles in rad, of landmarks (B, N, 3) aligned with it."""
    ends, others, distances = _pairs(topology_of(aligned_cm.shape[1]))
    apart = aligned_cm.take(ends, axis=1) - aligned_cm.take(others, axis=1)  # (B, D + 2 A, 3)
    lengths = np.sqrt(np.einsum("bnc,bnc->bn", apart, apart))
    arms = distances + (len(ends) - distances) // 2
    products = np.einsum("bnc,bnc->bn", apart[:, distances:arms], apart[:, arms:])
    lengths_product = lengths[:, distances:arms] * lengths[:, arms:]
    found = np.empty((len(lengths), arms), np.float32)
    found[:, :distances] = lengths[:, :distances]
    found[:, distances:] = np.arccos(np.clip(products / np.maximum(lengths_product, LEAST_CM**2), -1.0, 1.0))
    return found


@cache
def _pairs(topology: Topology) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
    """(D + 2 A,) both ends of each distance, of the first arm of each angle and of its second; and D."""
    in_68 = indices_in(Topology.FACE_68, topology)
    distances, angles = (np.array([points for _, points in _both_sides(table)]) for table in (DISTANCES, ANGLES))
    ends = np.concatenate([distances[:, 0], angles[:, 0], angles[:, 2]])
    others = np.concatenate([distances[:, 1], angles[:, 1], angles[:, 1]])
    return in_68[ends], in_68[others], len(distances)


def _both_sides(table: tuple[tuple[Any, ...], ...]) -> list[tuple[str, tuple[int, ...]]]:
    """Each row, and its mirror image where that is another one."""
    other = partner(Topology.FACE_68)
    rows: list[tuple[str, tuple[int, ...]]] = []
    for name, *points, _ in table:
        mirrored = tuple(int(other[point]) for point in points)
        if set(mirrored) == set(points):
            rows.append((name, tuple(points)))
        else:
            rows += [(f"left {name}", tuple(points)), (f"right {name}", mirrored)]
    return rows
