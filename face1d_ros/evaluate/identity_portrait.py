"""Two chosen motions of the animated portrait, repeated as people do, behind the real detector.

Letters: T frames of a camera, G frames of the grid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.random import Generator

from face1d_ros.evaluate.identity_clips import NATURAL, Clip, ClipMaker, Clips
from face1d_ros.evaluate.identity_protocol import Scores, within_subjects
from face1d_ros.evaluate.real_smoothing import observe
from face1d_ros.evaluate.smoothing_tracks import real_track
from face1d_ros.geometry.motion_spotting import spotted
from face1d_ros.sources.portrait import AnimatedPortrait
from face1d_ros.sources.portrait_imaging import PortraitImaging
from face1d_ros.sources.portrait_motion import Constant, Event, PortraitMotion, Wave
from face1d_ros.synth.motion.free import VARIATIONS
from face1d_ros.types import FloatArray

RATE_HZ = 30.0
REPETITIONS = 10
SUBJECT = 1
RELAXED, CLOSED = Constant(-0.5), Constant(0.95)
"""The photo smiles; at rest this portrait does so less, with its lips shut."""
NOISE = 3.0
SWAY = {"shift_x": 0.03, "shift_y": 0.02, "roll_rad": 0.05, "zoom": 0.03}
SWAY_PERIOD_S = (3.0, 7.0)
Advance = Callable[[], None]


@dataclass(frozen=True)
class Part:
    """What some channels do at one time of a motion; the amounts are added to rest."""

    event: Event
    amounts: tuple[tuple[str, float], ...]


BOTH_BROWS = (("brow_left", 0.9), ("brow_right", 0.9))
MOUTH = (("jaw", 0.8), ("lips_closed", -0.9))
CROOKED = (("smile_left", 1.3), ("lips_closed", -0.6))
WINK = (("eye_closed_left", 1.0),)
MOTIONS: Mapping[str, tuple[Part, ...]] = {
    "brows, then mouth": (
        Part(Event(0.0, 0.35, 0.45, 0.4), BOTH_BROWS),
        Part(Event(1.0, 0.35, 0.45, 0.4), MOUTH),
    ),
    "crooked smile, then wink": (
        Part(Event(0.0, 0.4, 0.6, 0.5), CROOKED),
        Part(Event(1.2, 0.15, 0.4, 0.25), WINK),
    ),
}


def repetition(parts: tuple[Part, ...], rng: Generator) -> tuple[PortraitMotion, float]:
    """The motion once more, in the ranges of a natural repetition, with a head that sways; and when it is over."""
    how = VARIATIONS[NATURAL]
    tempo, strength = rng.uniform(*how.tempo), rng.uniform(*how.strength)
    before_s, after_s = rng.uniform(*how.rest_s, 2)
    channels: dict[str, tuple[Any, ...]] = {
        "smile_left": (RELAXED,),
        "smile_right": (RELAXED,),
        "lips_closed": (CLOSED,),
    }
    end_s = 0.0
    for part in parts:
        own_tempo, own_strength = rng.uniform(1.0 - how.part, 1.0 + how.part, 2) * (tempo, strength)
        event = replace(
            part.event,
            start_s=before_s + tempo * part.event.start_s,
            **{name: own_tempo * getattr(part.event, name) for name in ("rise_s", "hold_s", "fall_s")},
        )
        for name, amount in part.amounts:
            channels[name] = (*channels.get(name, ()), replace(event, amount=own_strength * amount))
        end_s = max(end_s, event.end_s)
    for name, amount in SWAY.items():
        channels[name] = (Wave(amount * rng.uniform(0.3, 1.0), rng.uniform(*SWAY_PERIOD_S), rng.uniform(0.0, 6.28)),)
    return PortraitMotion(**channels), end_s + after_s


def portrait_clips(maker: ClipMaker, repetitions: int = REPETITIONS, advance: Advance = lambda: None) -> Clips:
    """Every motion so many times, as the detector and the smoothing stage see it."""
    found = []
    for number, (name, parts) in enumerate(MOTIONS.items()):
        for count in range(repetitions):
            rng = np.random.default_rng((number, count))
            motion, length_s = repetition(parts, rng)
            imaging = PortraitImaging(noise=NOISE, seed=count)
            shown = AnimatedPortrait(length=round(length_s * RATE_HZ), motion=motion, imaging=imaging)
            grid = maker.of_track(real_track(name, observe(shown.frames())))
            if grid is not None:
                found.append(clip_of(f"portrait/{number}/{count:02d}", number + 1, grid))
            advance()
    return Clips(tuple(found))


def clip_of(name: str, motion: int, grid_cm: FloatArray) -> Clip:
    """Of the one subject."""
    return Clip(name, SUBJECT, motion, NATURAL, RATE_HZ, 0.0, 0, grid_cm, spotted(grid_cm))


def portrait_row(model: str, way: str, scores: Scores, clips: Clips, threshold: float | None) -> dict[str, Any]:
    """Whether both motions are told apart: ranges of similarities, and errors at a threshold."""
    pairs = within_subjects(clips)
    same, other = scores[pairs.genuine], scores[~pairs.genuine]
    return {
        "part": "portrait",
        "model": model,
        "encoded": way,
        "clips": len(clips),
        "same_pairs": len(same),
        "other_pairs": len(other),
        "same_lowest": float(same.min()),
        "same_median": float(np.median(same)),
        "other_median": float(np.median(other)),
        "other_highest": float(other.max()),
        "separate": bool(same.min() > other.max()),
        "threshold": threshold,
        "wrongly_rejected": None if threshold is None else int((same < threshold).sum()),
        "wrongly_accepted": None if threshold is None else int((other >= threshold).sum()),
    }
