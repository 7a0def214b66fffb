"""Faces that no face model of ours can make: has a smoother learned motion, or only the shapes it was trained on?

The clean points are moved by a smooth random field in head axes, one for each person, and the observed points as far:
the detector's error stays what it was, and the face is another one.
"""

from __future__ import annotations

import numpy as np

from face1d_ros.evaluate.smoothing_tracks import Track, synthetic_track
from face1d_ros.evaluate.tracks import Floats
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.topology import indices_in
from face1d_ros.synth.camera import project
from face1d_ros.synth.sequence import Sequence, rotations
from face1d_ros.types import FloatArray, Topology

SEED = 20_260_002
STRENGTH = 0.02
"""Root mean square of the field, in parts of the face's size: 3 to 4 mm."""
LENGTH_CM = 3.0
"""Over which the field changes: about that of a cheek or the chin."""
WAVES = 64


def other_face(sequence: Sequence, topology: Topology) -> Track:
    """Points of this topology, on a face outside the face model: the same one in all sequences of a subject."""
    rng = np.random.default_rng((SEED, sequence.subject_id))
    observed, clean = displaced(sequence, STRENGTH * smooth_field(rng, sequence.topology))
    return synthetic_track(sequence, topology, observed, clean)


def displaced(sequence: Sequence, field: Floats) -> tuple[FloatArray, FloatArray]:
    """(T, N, 3) observed and clean points, px, moved by a field (N, 3) in head axes and parts of the face's size."""
    turn = rotations(sequence.yaw_pitch_roll_rad)
    upright = np.matmul(sequence.points_mm - sequence.translation_mm[:, None], turn)
    size_mm = float(np.ptp(upright[..., :2], axis=1).max(axis=1).mean())
    moved = np.matmul((size_mm * field).astype(np.float32), turn.swapaxes(1, 2))
    clean = project(sequence.points_mm + moved, sequence.plan.camera)
    return sequence.observed + (clean - sequence.clean_px), clean


def smooth_field(rng: np.random.Generator, topology: Topology) -> Floats:
    """(N, 3) displacements in head axes, 1 in root mean square, without a shift of the whole face.

    A sum of random waves, so that its covariance falls like a bell over `LENGTH_CM` (random Fourier features).
    """
    places = canonical_face().points_cm[indices_in(topology, Topology.MESH_478)]
    waves = rng.normal(size=(3, WAVES)) / LENGTH_CM
    phases = rng.uniform(0.0, 2.0 * np.pi, WAVES)
    field = np.cos(places @ waves + phases) @ rng.normal(size=(WAVES, 3))
    field -= field.mean(axis=0)
    return np.asarray(field / np.sqrt((field * field).sum(axis=1).mean()))
