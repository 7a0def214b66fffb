"""Errors that are no noise, by regression: how the detector follows expressions, turned heads, hidden regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face1d_ros.evaluate.detector_noise import POINTS, Track
from face1d_ros.geometry.pose import head_pose
from face1d_ros.geometry.topology import region
from face1d_ros.synth.noise.conditions import clean_in_face, rigid_points
from face1d_ros.synth.noise.fit import Spread
from face1d_ros.types import Topology

Floats = NDArray[np.float64]
READ_REGIONS = ("right_eye", "left_eye", "right_brow", "left_brow", "mouth", "jaw")
READINGS = 10
RIDGE = 1e-3
"""Of the strongest reading's variance."""
TURN_DEGREE = 5
LARGEST_TURN_RAD = 0.65
"""Beyond, the turned photo no longer looks like a turned face."""


@dataclass(frozen=True, eq=False)
class Response:
    """Errors that follow from the face's deformation."""

    read_from: NDArray[np.intp]
    reading: Floats
    """(R, M, 3)."""
    response: Floats
    """(R, K)."""

    def predict(self, readings: Floats, spread: Spread) -> Floats:
        """(T, R) → (T, 478, 3) percent."""
        return (readings @ self.response @ spread.modes).reshape(-1, POINTS, 3)


def read_points() -> NDArray[np.intp]:
    """(M,) points that move with expression."""
    return np.sort(np.concatenate([region(name, Topology.MESH_468) for name in READ_REGIONS]))


def deformation(track: Track, chosen: NDArray[np.intp]) -> Floats:
    """(T, M, 3) of the true points, each around its median, as `observe` sees it."""
    rest = head_pose(track.true[:1])
    cos, sin = np.cos(track.roll_rad), np.sin(track.roll_rad)
    turn = np.zeros((len(track.true), 3, 3))
    turn[:, 0, 0], turn[:, 1, 1], turn[:, 2, 2] = cos, cos, 1.0
    turn[:, 0, 1], turn[:, 1, 0] = -sin, sin
    rotation = turn @ turn[0].T @ rest.rotation[0]
    true, turned = track.true.astype(np.float32), rotation.astype(np.float32)
    own = clean_in_face(true, turned, chosen, Topology.MESH_478).astype(np.float64)
    return np.asarray(own - np.median(own, axis=0))


def fit_response(track: Track, spread: Spread) -> Response:
    """From a track with every expression: principal deformations, and the errors that go with each."""
    chosen = read_points()
    deformed = deformation(track, chosen)[track.seen].reshape(track.seen.sum(), -1)
    _, _, directions = np.linalg.svd(deformed, full_matrices=False)
    reading = directions[:READINGS]
    readings = deformed @ reading.T
    errors = track.errors_percent()[track.seen]
    coefficients = spread.coefficients(errors - errors.mean(axis=0))
    square = readings.T @ readings
    square += RIDGE * square.max() * np.eye(len(square))
    response = np.linalg.solve(square, readings.T @ coefficients)
    return Response(chosen, reading.reshape(READINGS, -1, 3), response)


def readings_of(track: Track, response: Response) -> Floats:
    """(T, R)."""
    deformed = deformation(track, response.read_from)
    return deformed.reshape(len(deformed), -1) @ response.reading.reshape(len(response.reading), -1).T


def without_turn(track: Track) -> Floats:
    """(T, 478, 3) errors of a track whose head turns to and fro, less what is a smooth function of the angle."""
    errors = track.errors_percent()
    seen, angle = track.seen, track.turn_rad.sum(axis=1)
    basis = np.vander(angle / max(np.abs(angle).max(), 1e-9), TURN_DEGREE + 1)
    flat = errors[seen].reshape(seen.sum(), -1)
    fitted, *_ = np.linalg.lstsq(basis[seen], flat, rcond=None)
    return errors - (basis @ fitted).reshape(errors.shape)


def turn_slopes(tracks: Sequence[Track], spread: Spread) -> Floats:
    """(2, K) percent in each mode for a sine of 1, to the negative and the positive side of one axis."""
    sines, coefficients = [], []
    for track in tracks:
        angle = track.turn_rad.sum(axis=1)
        used = track.seen & (np.abs(angle) <= LARGEST_TURN_RAD)
        level = track.seen & (np.abs(angle) <= 0.05)
        found = spread.coefficients(track.errors_percent()[used])
        sines.append(np.sin(angle[used]))
        coefficients.append(found - spread.coefficients(track.errors_percent()[level]).mean(axis=0))
    x, y = np.concatenate(sines), np.concatenate(coefficients)
    sides = np.stack([np.minimum(x, 0.0), np.maximum(x, 0.0)], axis=1)
    return np.asarray(np.linalg.lstsq(sides, y, rcond=None)[0])


def hidden_effect(clear: Track, hidden: Sequence[Track], chosen: NDArray[np.intp]) -> tuple[list[Floats], float, float]:
    """Of a region (M,): each cover's shift (478, 3); the factor on its points' noise; how much they still move."""
    shifts, noises, follows = [], [], []
    for track in hidden:
        both = clear.seen & track.seen
        if both.sum() < 10:
            continue
        before, after = clear.errors_percent()[both], track.errors_percent()[both]
        shifts.append((after - before).mean(axis=0))
        bends = [np.diff(errors[:, chosen], n=2, axis=0) for errors in (before, after)]
        noises.append(float(np.sqrt(np.square(bends[1]).mean() / np.square(bends[0]).mean())))
        follows.append(_follow(track, after, chosen, both) / max(_follow(clear, before, chosen, both), 0.1))
    if not shifts:
        return [], float("nan"), float("nan")
    return shifts, float(np.median(noises)), float(np.clip(np.median(follows), 0.0, 1.0))


def _follow(track: Track, errors: Floats, chosen: NDArray[np.intp], used: NDArray[np.bool_]) -> float:
    """The part of the points' own motion in the plane that the detector shows."""
    moved = deformation(track, chosen)[used][..., :2]
    moved = moved - moved.mean(axis=0)
    scale = np.square(moved).sum()
    wrong = errors[:, chosen, :2] - errors[:, chosen, :2].mean(axis=0)
    # Both in the same unit: the spread that deformations are measured in, over the size, percent.
    unit = 100.0 * np.median(_spread(track.true) / track.size_px)
    return float(1.0 + (wrong * moved).sum() / max(unit * scale, 1e-12))


def _spread(points: Floats) -> Floats:
    rigid = points[:, rigid_points(Topology.MESH_478)]
    return np.asarray(np.sqrt(np.square(rigid - rigid.mean(axis=1, keepdims=True)).sum(axis=2).mean(axis=1)))
