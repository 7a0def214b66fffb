"""Under which conditions the detector sees each frame, from the clean points and the plan."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.topology import curve, indices_in, topology_of
from face1d_ros.synth.noise.model import NoiseModel
from face1d_ros.synth.noise.plan import NoisePlan
from face1d_ros.types import FloatArray, Topology

Points = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]
RIGID_68 = (27, 28, 29, 30, 31, 33, 35, 36, 39, 42, 45)
"""Nose and eye corners: they move little with expression."""
PACE_S = 1.0
"""The speed that counts is a mean over so long: single frames of one pace were not told apart in the measurement."""


@dataclass(frozen=True, eq=False)
class Conditions:
    """(T,) each, unless said otherwise."""

    size_px: Floats
    """Larger side of the landmark box."""
    middle_px: Floats
    """(T, 2) of the outline."""
    rotation: FloatArray
    """(T, 3, 3) facing frame → camera."""
    frame_s: float
    """Median time between frames."""
    values: dict[str, Floats]
    """The conditions by their names in the model."""
    amplitude: Floats
    """(T, C) percent of the size."""
    deformation: Floats
    """(T, R) readings of the face's deformation, each around its median."""


def conditions_of(
    model: NoiseModel, plan: NoisePlan, clean: FloatArray, stamps_s: Floats, angles_rad: Floats
) -> Conditions:
    """Of a checked sequence (T, N, 3)."""
    topology = topology_of(clean.shape[1])
    outline = clean[:, box_points(topology), :2]
    size_px = np.maximum(np.ptp(outline, axis=1).max(axis=1), 1e-3).astype(np.float64)
    gaps_s = np.diff(stamps_s)
    frame_s = float(np.median(gaps_s)) if len(gaps_s) else 1.0 / 30.0
    speed = _running_mean(_speed(outline, size_px, gaps_s), round(PACE_S / frame_s))
    values = {
        "size": size_px,
        "grain": np.full(len(clean), plan.grain / plan.light),
        "speed": speed,
        "blur": plan.exposure_s * speed,
        "defocus": np.full(len(clean), plan.defocus_share),
        "light": np.full(len(clean), plan.light),
        "roll": np.abs(angles_rad[:, 2]),
        "turn": np.arccos(np.clip(np.cos(angles_rad[:, 0]) * np.cos(angles_rad[:, 1]), -1.0, 1.0)),
    }
    rotation = rotations(angles_rad)
    readings = _read(model, clean, rotation, topology)
    values["expression"] = _per_second(np.linalg.norm(np.diff(readings, axis=0), axis=1), gaps_s)
    middle_px = outline.mean(axis=1).astype(np.float64)
    return Conditions(size_px, middle_px, rotation, frame_s, values, amplitude_percent(model, values), readings)


def amplitude_percent(model: NoiseModel, values: dict[str, Floats]) -> Floats:
    """(T, C) standard deviation of each part under conditions (T,) by their names."""
    variance = table_variance(model.variance, model.sizes_px, model.grains, values["size"], values["grain"])
    for name, factor in model.factors.items():
        variance = variance + factor.at(values[name])
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def table_variance(table: Floats, sizes: Floats, grains: Floats, size: Floats, grain: Floats) -> Floats:
    """(T, C) of a table (S, G, C), bilinear in the logarithm of the size and in the grain; constant beyond."""
    row = np.interp(np.log(size), np.log(sizes), np.arange(len(sizes)))
    column = np.interp(grain, grains, np.arange(len(grains)))
    i = np.minimum(row.astype(np.intp), max(len(sizes) - 2, 0))
    j = np.minimum(column.astype(np.intp), max(len(grains) - 2, 0))
    u, v = (row - i)[:, None], (column - j)[:, None]
    low = table[i, j] * (1.0 - v) + table[i, j + 1] * v
    return np.asarray(low * (1.0 - u) + (table[i + 1, j] * (1.0 - v) + table[i + 1, j + 1] * v) * u)


def clean_in_face(clean: FloatArray, rotation: FloatArray, chosen: NDArray[np.intp], topology: Topology) -> FloatArray:
    """(T, M, 3) chosen points in the head's own axes, around nose and eyes, over the spread of these."""
    rigid = clean[:, rigid_points(topology)]
    middle = rigid.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.square(rigid - middle).sum(axis=2).mean(axis=1))[:, None, None]
    return np.asarray(((clean[:, chosen] - middle) / np.maximum(spread, 1e-3)) @ rotation, np.float32)


def rotations(angles_rad: Floats) -> FloatArray:
    """(T, 3) yaw, pitch and roll to (T, 3, 3) Rz(roll) Ry(yaw) Rx(pitch)."""
    (cy, cp, cr), (sy, sp, sr) = np.cos(angles_rad).T, np.sin(angles_rad).T
    rows = [
        [cr * cy, cr * sy * sp - sr * cp, cr * sy * cp + sr * sp],
        [sr * cy, sr * sy * sp + cr * cp, sr * sy * cp - cr * sp],
        [-sy, cy * sp, cy * cp],
    ]
    return np.asarray(np.moveaxis(np.array(rows), -1, 0), np.float32)


@cache
def rigid_points(topology: Topology) -> NDArray[np.intp]:
    """Points that move little with expression, in this topology."""
    return indices_in(Topology.FACE_68, topology)[list(RIGID_68)]


@cache
def box_points(topology: Topology) -> NDArray[np.intp]:
    """Points whose box is that of all points: the outline, and the nose of a face turned aside."""
    if topology == Topology.FACE_68:
        return np.arange(68)
    return np.concatenate([curve("face_oval", topology).indices, curve("nose_bridge", topology).indices])


@cache
def spread_over_size() -> float:
    """Of the canonical face: the spread that `clean_in_face` divides by, over the size."""
    points = canonical_face().points_cm
    rigid = points[rigid_points(Topology.MESH_478)]
    spread = np.sqrt(np.square(rigid - rigid.mean(axis=0)).sum(axis=1).mean())
    return float(spread / np.ptp(points[:, :2], axis=0).max())


def _speed(outline: FloatArray, size_px: Floats, gaps_s: Floats) -> Floats:
    """(T,) sizes a second that the face's middle moves."""
    step = np.diff(outline.mean(axis=1), axis=0).astype(np.float64)
    return _per_second(np.hypot(step[:, 0], step[:, 1]) / size_px[1:], gaps_s)


def _running_mean(values: Floats, frames: int) -> Floats:
    """(T,) each over so many frames around it, fewer at the ends."""
    half = frames // 2
    if half < 1:
        return values
    total = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    first, last = np.maximum(index - half, 0), np.minimum(index + half + 1, len(values))
    return np.asarray((total[last] - total[first]) / (last - first))


def _per_second(steps: Floats, gaps_s: Floats) -> Floats:
    """(T - 1,) steps between frames to (T,) rates; the first frame has that of the second."""
    if not len(steps):
        return np.zeros(1)
    rates = steps / gaps_s
    return np.concatenate([rates[:1], rates]).astype(np.float64)


def _read(model: NoiseModel, clean: FloatArray, rotation: FloatArray, topology: Topology) -> Floats:
    """(T, R); the 68 points hold only some of those that are read, and read nothing."""
    if topology == Topology.FACE_68:
        return np.zeros((len(clean), len(model.reading)))
    points = clean_in_face(clean, rotation, model.read_from, topology)
    readings = points.reshape(len(points), -1) @ model.reading.reshape(len(model.reading), -1).T
    return np.asarray(readings - np.median(readings, axis=0), np.float64)
