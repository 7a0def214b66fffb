"""Clips made by hand: subjects whose motions are places that the face goes to and back from."""

from __future__ import annotations

import numpy as np

from face1d_ros.evaluate.identity_clips import Clip, Clips
from face1d_ros.geometry.motion_clip import Stretch

REST, MOVES = 10, 20
"""Frames of the grid."""


def clip(subject: int, motion: int, count: int = 0, *, block: str = "repeated", **others: object) -> Clip:
    """A face that rests, goes to a place of the motion's own, and rests."""
    rng = np.random.default_rng((subject, motion))
    place = rng.normal(0.0, 0.4, (68, 3))
    rise = np.sin(np.pi * np.arange(MOVES) / (MOVES - 1))
    course = np.concatenate([np.zeros(REST), rise, np.zeros(REST)])
    trembling = np.random.default_rng((subject, motion, count)).normal(0.0, 0.01, (len(course), 68, 3))
    given: dict[str, object] = {
        "name": f"{block}/{subject:02d}/{motion}/{count:02d}",
        "subject": subject,
        "motion": 100 * subject + motion,
        "variation": "natural",
        "rate_hz": 30.0,
        "yaw_rad": 0.1,
        "steps": 3,
        "grid_cm": (course[:, None, None] * place + trembling).astype(np.float32),
        "moving": Stretch(REST, REST + MOVES),
    }
    return Clip(**given | others)  # type: ignore[arg-type]


def repeated(subjects: int, motions: int, repetitions: int) -> Clips:
    return Clips(
        tuple(clip(s, m, count) for s in range(subjects) for m in range(motions) for count in range(repetitions))
    )


def vectors_of(clips: Clips, noise: float = 0.05) -> np.ndarray:
    """(C, 32) unit vectors near a direction of each motion's own."""
    found = []
    for row, one in enumerate(clips.all):
        direction = np.random.default_rng(one.motion).normal(0.0, 1.0, 32)
        found.append(direction + noise * np.random.default_rng((7, row)).normal(0.0, 1.0, 32))
    stacked = np.stack(found)
    return (stacked / np.linalg.norm(stacked, axis=1, keepdims=True)).astype(np.float32)
