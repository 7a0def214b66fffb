"""The mesh stage on real motion: a capture of a real face, drawn as the detector would see it, and videos.

The capture has a truth, its own coefficients; videos have none. Letters: T frames, M of them with an answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face1d_ros.evaluate.mesh import mean
from face1d_ros.evaluate.mesh_tracks import Followed, MeshTrack, follow, measured, steadied
from face1d_ros.evaluate.metrics_3d import geodesic_deg
from face1d_ros.evaluate.real_smoothing import Recording
from face1d_ros.stages.base import Stage
from face1d_ros.stages.mesh import MeshStage
from face1d_ros.synth.faces.point_model import PointModel
from face1d_ros.synth.motion.capture import Capture, capture_plan
from face1d_ros.synth.noise.observe import NoiseModel
from face1d_ros.synth.sequence import Sequence, make_sequence
from face1d_ros.synth.sequence_draw import Cast, Wish, draw_subject, filmed
from face1d_ros.synth.splits import Split

Floats = NDArray[np.float64]
CURVES = {
    "blink": ("eyeBlink_L", "eyeBlink_R"),
    "jaw": ("jawOpen",),
    "smile": ("mouthSmile_L", "mouthSmile_R"),
}
RENDERED = 8
"""Subjects that a capture is laid on, each before another camera."""
CAST = Cast(Split.TEST, 20_260_007)
RATE_HZ = 30.0
SMILE = CURVES["smile"]


@dataclass(frozen=True, eq=False)
class Curves:
    """Coefficients over time; left and right of a kind are averaged."""

    name: str
    stamps_s: Floats
    """(M,)"""
    truth: dict[str, Floats]
    """(M,) by `CURVES`."""
    found: dict[str, Floats]
    """(M,)"""
    correlation: dict[str, float]
    """Of each coefficient by itself, left and right averaged; NaN where it never changes."""


def rendered(capture: Capture, points: PointModel, noise: NoiseModel, count: int = RENDERED) -> Iterator[Sequence]:
    """The whole capture on so many subjects of the test split, as it was captured."""
    for number in range(count):
        subject = draw_subject(CAST, number)
        plan = filmed(
            CAST, number, f"capture/{number:03d}", subject, capture_plan(capture), Wish(RATE_HZ, leaves=False)
        )
        yield make_sequence(plan, points, noise, {capture.name: capture})


def captured_curves(stage: MeshStage, sequence: Sequence, track: MeshTrack) -> Curves:
    """What the mesh stage reads of a sequence, which is the track that it gets, beside what it was made of."""
    found = follow(stage, track)
    truth, own, correlation = {}, {}, {}
    for name, coefficients in CURVES.items():
        theirs = np.stack([_of(sequence, one)[found.frames] for one in coefficients])
        ours = found.expression_of(coefficients).T.astype(np.float64)
        truth[name], own[name] = theirs.mean(axis=0), ours.mean(axis=0)
        correlation[name] = mean([correlated(a, b) for a, b in zip(ours, theirs, strict=True)])
    return Curves(sequence.name, track.stamps_s[found.frames] - track.stamps_s[0], truth, own, correlation)


def clip_track(recording: Recording, smoothing: Stage | None) -> MeshTrack:
    """A video as the mesh stage gets it, without a calibrated camera."""
    frames = recording.track.frames
    given = frames if smoothing is None else steadied(frames, smoothing)
    return MeshTrack(recording.track.name, given, None, measured(given))


def clip_figures(stage: MeshStage, recording: Recording, track: MeshTrack) -> dict[str, float | int | None]:
    """Of a video: how far smile coefficients rise, how alike left and right go, and the largest steps of the head.

    The smile is the one that the raw landmarks show; a video without one has no rise.
    """
    found = follow(stage, track)
    smiles = np.full((len(track.frames), len(SMILE)), np.nan)
    smiles[found.frames] = found.expression_of(SMILE)
    figures: dict[str, float | int | None] = {"frames": len(found.frames), **_steps(found)}
    known = smiles[found.frames]
    figures["left_right_correlation"] = correlated(*known.T)
    event = recording.smile
    parts = (None, None) if event is None else (event.rest, event.smiling)
    for key, part in zip(("smile_before", "smile_after"), parts, strict=True):
        figures[key] = None if part is None else float(np.nanmedian(smiles[part]))
    return figures


def correlated(a: Floats, b: Floats) -> float:
    """Pearson's of (M,); NaN where one never changes."""
    if len(a) < 2 or np.ptp(a) == 0.0 or np.ptp(b) == 0.0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def _steps(found: Followed) -> dict[str, float | None]:
    """The largest turn and the largest move from one frame to the next."""
    beside = np.diff(found.frames) == 1
    if not beside.any():
        return {"largest_step_deg": None, "largest_step_mm": None}
    turns = geodesic_deg(found.rotation[1:][beside], found.rotation[:-1][beside])
    moves = np.linalg.norm(np.diff(found.translation_mm, axis=0)[beside], axis=1)
    return {"largest_step_deg": float(turns.max()), "largest_step_mm": float(moves.max())}


def _of(sequence: Sequence, name: str) -> Floats:
    return np.asarray(sequence.expression[:, sequence.expression_names.index(name)], np.float64)
