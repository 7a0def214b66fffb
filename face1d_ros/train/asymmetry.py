"""How the signals of asymmetry are fitted: by ridge regression, then how far each of them is to be believed.

Letters: F motions, N landmarks, B faces.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from face1d_ros.errors import InvalidValueError
from face1d_ros.geometry.asymmetry import AsymmetryMeter
from face1d_ros.geometry.asymmetry_signals import MIRROR, MOTIONS, Signals, both_halves
from face1d_ros.geometry.asymmetry_votes import agreed, votes
from face1d_ros.geometry.topology import indices_in, partner
from face1d_ros.train.asymmetry_faces import WeakFace
from face1d_ros.types import FloatArray, Topology

Floats = NDArray[np.float64]
WHITE_CM = 0.01
"""Error of each landmark by itself, assumed beside the noise model's, whose patterns hold not quite all there is."""
EVERY = 8
"""Of the frames, so many are much alike."""
FIRST_NOISE, FIRST_SPREAD = 0.03, 0.3
PULL = 3e-4
"""How strongly noise and spread, as logarithms, are held to where they begin."""
BETA = 0.1
"""Of the index: errors beyond it count in proportion, below it by their square."""


def fitted(
    faces: Sequence[WeakFace], names: Sequence[str], topology: Topology, advance: Callable[[], None] = lambda: None
) -> dict[str, FloatArray]:
    """Arrays of the table for a topology, from faces with 478 landmarks and the names of their coefficients."""
    if not faces:
        raise InvalidValueError("faces", 0, "at least one that is seen long enough")
    chosen = indices_in(topology, Topology.MESH_478)
    left = left_weights(faces, names, topology, chosen)
    plain = both_halves(left, np.full(len(left), FIRST_NOISE), np.full(len(left), FIRST_SPREAD), topology)
    energy = []
    for face in faces:
        energy.append(energy_of(face, plain, topology, chosen))
        advance()
    noise, spread = beliefs(np.array(energy), np.array([face.index for face in faces]))
    found = {"left": left, "noise": noise, "spread": spread}
    return {f"{name}_{int(topology)}": array.astype(np.float32) for name, array in found.items()}


def left_weights(
    faces: Sequence[WeakFace], names: Sequence[str], topology: Topology, chosen: NDArray[np.intp]
) -> Floats:
    """(F, N, 3) by which the motions of the left half are read; every face is shown mirrored, too."""
    columns = {side: [names.index(f"{motion}_{side}") for motion in MOTIONS] for side in "LR"}
    size = 3 * int(topology)
    gram, across, count = np.zeros((size, size)), np.zeros((size, len(MOTIONS))), 0
    for face in faces:
        points = face.points_cm[::EVERY, chosen].astype(np.float64)
        motion = face.expression.astype(np.float64)
        motion = (motion - motion.mean(axis=0))[::EVERY]
        for shown, side in ((points, "L"), (points[:, partner(topology)] * MIRROR, "R")):
            flat = shown.reshape(-1, size)
            gram += flat.T @ flat
            across += flat.T @ motion[:, columns[side]]
            count += len(flat)
    weights = np.linalg.solve(gram + count * WHITE_CM**2 * np.eye(size), across)
    return np.asarray(weights.T.reshape(len(MOTIONS), int(topology), 3))


def energy_of(face: WeakFace, read: Signals, topology: Topology, chosen: NDArray[np.intp]) -> Floats:
    """(2, F) as the meter has it at the end."""
    meter = AsymmetryMeter(topology, read)
    steps_s = np.diff(face.stamps_s, prepend=face.stamps_s[:1])
    for points, turn, step_s in zip(face.points_cm[:, chosen], face.turn_rad, steps_s, strict=True):
        meter.watch(points, turn.astype(np.float64), float(step_s))
    return meter.energy()[0]


def beliefs(energy: Floats, index: Floats) -> tuple[Floats, Floats]:
    """Noise and spread (F,) with which the votes of (B, 2, F) come nearest to the true index (B,) of these faces."""
    energy = np.concatenate([energy, energy[:, ::-1]])
    index = np.concatenate([index, -index])
    count = energy.shape[-1]
    first = np.log(np.repeat([FIRST_NOISE, FIRST_SPREAD], count))

    def loss(logarithms: Floats) -> float:
        noise, spread = np.exp(logarithms).reshape(2, count)
        off = np.abs(np.nan_to_num(agreed(votes(energy, noise, spread))[0]) - index)
        each = np.where(off < BETA, 0.5 * off**2 / BETA, off - 0.5 * BETA)
        return float(each.mean() + PULL * ((logarithms - first) ** 2).sum())

    noise, spread = np.exp(minimize(loss, first, method="L-BFGS-B", options={"maxiter": 150}).x).reshape(2, count)
    return noise, spread
