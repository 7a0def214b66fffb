"""Regions behind something: the detector goes on and draws them where it believes them to be."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.topology import indices_in, region, topology_of
from face1d_ros.synth.noise.conditions import Conditions, clean_in_face, spread_over_size
from face1d_ros.synth.noise.model import NoiseModel
from face1d_ros.synth.noise.plan import PARTS_OF_FACE, SIDES, NoisePlan
from face1d_ros.types import FloatArray, Topology

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
RAMP_S = 0.1
"""A hand takes so long to come before a region."""
MIDLINE_CM = 0.5


@dataclass(frozen=True, eq=False)
class Cover:
    """One occlusion: which points, and how far it has come in each frame."""

    region: str
    points: NDArray[np.intp]
    frames: slice
    weight: FloatArray
    """(frames of the slice,) 0..1."""


@dataclass(frozen=True, eq=False)
class Hidden:
    """All occlusions of a sequence."""

    covers: tuple[Cover, ...]
    shape: tuple[int, int]

    def any_of_points(self, present: Flags) -> Flags:
        """(T, N) hidden by at least a half of the way, in frames with the head in view."""
        mask = np.zeros(self.shape, np.bool_)
        for cover in self.covers:
            mask[cover.frames, cover.points] |= (cover.weight >= 0.5)[:, None]
        mask &= present[:, None]
        return mask

    def share(self) -> Floats:
        """(T,) of the points, at most 1."""
        total = np.zeros(self.shape[0])
        for cover in self.covers:
            total[cover.frames] += cover.weight * (len(cover.points) / self.shape[1])
        return np.minimum(total, 1.0)


def hidden_points(plan: NoisePlan, stamps_s: Floats, count: int) -> Hidden:
    """The plan's occlusions on frames and points."""
    covers = []
    for occlusion in plan.occlusions:
        start_s, end_s = occlusion.start_s, occlusion.start_s + occlusion.duration_s
        first, last = np.searchsorted(stamps_s, [start_s, end_s])
        if last > first:
            t = stamps_s[first:last]
            weight = np.minimum(np.minimum(t - start_s, end_s - t) / RAMP_S + 0.25, 1.0).astype(np.float32)
            covers.append(Cover(occlusion.region, occluded_points(occlusion.region, count), slice(first, last), weight))
    return Hidden(tuple(covers), (len(stamps_s), count))


@cache
def occluded_points(name: str, count: int) -> NDArray[np.intp]:
    """(M,) points of a region or of one side of the face."""
    topology = topology_of(count)
    if name in PARTS_OF_FACE:
        return np.sort(np.concatenate([region(part, topology) for part in PARTS_OF_FACE[name]]))
    if name not in SIDES:
        return region(name, topology)
    across = canonical_face().points_cm[indices_in(topology, Topology.MESH_478), 0]
    return np.flatnonzero(across < -MIDLINE_CM if name == "right_side" else across > MIDLINE_CM)


def hide(
    model: NoiseModel,
    points: FloatArray,
    clean: FloatArray,
    state: Conditions,
    hidden: Hidden,
    modes: FloatArray,
    rng: np.random.Generator,
) -> None:
    """Shifts, larger noise and a face that moves less, in place, while regions are hidden."""
    topology = topology_of(clean.shape[1])
    for cover in hidden.covers:
        noise, follow = model.occlusion[cover.region]
        samples = model.hidden_shift[cover.region]
        drawn = rng.standard_normal(len(samples), np.float32) @ samples / np.sqrt(len(samples))
        shift = (0.01 * drawn @ modes.reshape(len(modes), -1)).reshape(clean.shape[1:])
        frames, chosen, weight = cover.frames, cover.points, cover.weight[:, None, None]
        part, true = points[frames][:, chosen], clean[frames][:, chosen]
        part = true + (part - true) * (1.0 + (noise - 1.0) * weight)
        part -= (1.0 - follow) * weight * _deformation(clean, state, frames, chosen, topology)
        points[frames, chosen] = part
        size = state.size_px[frames].astype(np.float32)[:, None, None]
        points[frames] += weight * size * turned_by_roll(shift, state.rotation[frames])


def turned_by_roll(fields: FloatArray, rotation: FloatArray) -> FloatArray:
    """(N, 3) in axes that follow the roll → (T, N, 3) in the image's."""
    length = np.hypot(rotation[:, 0, 0], rotation[:, 1, 0])
    cos, sin = rotation[:, 0, 0] / length, rotation[:, 1, 0] / length
    turn = np.zeros((len(rotation), 3, 3), np.float32)
    turn[:, 0, 0], turn[:, 1, 1], turn[:, 2, 2] = cos, cos, 1.0
    turn[:, 0, 1], turn[:, 1, 0] = sin, -sin
    return np.asarray(fields @ turn, np.float32)


def _deformation(
    clean: FloatArray, state: Conditions, frames: slice, chosen: NDArray[np.intp], topology: Topology
) -> Any:
    """(frames, M, 3) px by which expression has moved the points from where they mostly are."""
    own = clean_in_face(clean, state.rotation, chosen, topology)
    moved = own[frames] - np.median(own, axis=0)
    scale = (state.size_px[frames] * spread_over_size()).astype(np.float32)[:, None, None]
    return (moved @ state.rotation[frames].swapaxes(1, 2)) * scale
