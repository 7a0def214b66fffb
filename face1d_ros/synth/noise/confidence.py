"""When the detector loses the face, and how sure it says it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face1d_ros.detect.confidence import SEEN_COS, inside
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.topology import indices_in, topology_of
from face1d_ros.synth.noise.conditions import Conditions
from face1d_ros.synth.noise.hidden import Hidden
from face1d_ros.synth.noise.model import NoiseModel
from face1d_ros.synth.noise.plan import NoisePlan
from face1d_ros.types import FloatArray, Topology

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
NEGLIGIBLE = 1e-6
HIGHEST_SHARE = 0.999
FACE_REACH = 0.75
"""Of its size, from the outline's middle: no landmark lies further away."""


def losses(
    model: NoiseModel,
    plan: NoisePlan,
    state: Conditions,
    hidden: Hidden,
    stamps_s: Floats,
    image_size: tuple[int, int] | None,
    rng: np.random.Generator,
) -> Flags:
    """(T,) frames in which the face is not found: the plan's gaps, the image's end, and what was measured."""
    lost = np.zeros(len(stamps_s), np.bool_)
    for gap in plan.dropouts:
        lost |= (stamps_s >= gap.start_s) & (stamps_s < gap.start_s + gap.duration_s)
    if image_size is not None:
        lost |= ((state.middle_px < 0.0) | (state.middle_px > np.array(image_size) - 1.0)).any(axis=1)
    chances = rng.random(len(stamps_s))
    if plan.losses:
        lost |= _chain(_loss_share(model, state, hidden), model.loss_frames, chances)
    return lost


def confidences(
    model: NoiseModel,
    state: Conditions,
    points: FloatArray,
    seen: Flags,
    hidden: Hidden,
    image_size: tuple[int, int] | None,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """(T,) of the face and (T, N) of its points, as `detect.confidence` defines them, 0 where nothing is seen."""
    log_odds = model.confidence_sd * rng.standard_normal(len(seen))
    values = state.values | {"base": np.zeros(len(seen)), "hidden": hidden.share()}
    for name, (knots, curve) in model.confidence.items():
        log_odds += np.interp(values[name], knots, curve)
    face = np.where(seen, 1.0 / (1.0 + np.exp(-log_odds)), 0.0).astype(np.float32)
    of_points = _visibility(state.rotation, points.shape[1])
    of_points *= face[:, None]
    if image_size is not None:
        reach = (FACE_REACH * state.size_px)[:, None]
        outside = (state.middle_px < reach) | (state.middle_px > np.array(image_size) - 1.0 - reach)
        near = seen & outside.any(axis=1)
        of_points[near] *= inside(points[near], *image_size).astype(np.float32)
    return face, of_points


def _loss_share(model: NoiseModel, state: Conditions, hidden: Hidden) -> Floats:
    """(T,) independent reasons, each with its share."""
    values = state.values | {"hidden": hidden.share()}
    kept = np.ones(len(state.size_px))
    for name, (knots, shares) in model.loss_share.items():
        kept *= 1.0 - np.interp(values[name], knots, shares)
    return np.minimum(1.0 - kept, HIGHEST_SHARE)


def _chain(share: Floats, mean_frames: float, chances: Floats) -> Flags:
    """(T,) a two-state chain with that share in the long run and losses of that mean length."""
    if share.max(initial=0.0) < NEGLIGIBLE:
        return np.zeros(len(share), np.bool_)
    # Losses that fill most of the time are longer: the face cannot come back more often than in each frame.
    length = np.maximum(mean_frames, share / (1.0 - share))
    begins, ends = share / (length * (1.0 - share)), 1.0 / length
    lost, states = bool(chances[0] < share[0]), []
    for chance, begin, end in zip(chances.tolist(), begins.tolist(), ends.tolist(), strict=True):
        lost = chance >= end if lost else chance < begin
        states.append(lost)
    return np.array(states, np.bool_)


def _visibility(rotation: FloatArray, count: int) -> FloatArray:
    """(T, N) as `detect.confidence.visibility`, from the head's true rotation (T, 3, 3)."""
    normals = canonical_face().normals[indices_in(topology_of(count), Topology.MESH_478)].astype(np.float32)
    share = rotation[:, 2] @ (normals.T * np.float32(-0.5 / SEEN_COS))
    share += np.float32(0.5)
    np.clip(share, 0.0, 1.0, out=share)
    smooth: FloatArray = share * share * (np.float32(3.0) - np.float32(2.0) * share)
    return smooth
