"""The expression stage behind the real detector: on video, and on the animated portrait, whose motion is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.evaluate.real_smoothing import observe
from face1d_ros.evaluate.smoothing_tracks import NS, frames_of
from face1d_ros.sources.portrait import AnimatedPortrait
from face1d_ros.sources.portrait_motion import Constant, Event, PortraitMotion
from face1d_ros.stages.base import Stage
from face1d_ros.types import FaceExpressionArray, FaceExpressionEvent, FaceLandmarksArray, Frame

RELAXED = Constant(-0.5)
"""The photo smiles; at rest this portrait does so less, with its lips shut."""
LENGTH_S = 16.0
BEFORE_S = (1.0, 0.2)
"""From and to so long before a motion the face is at rest."""
HALF = 0.5
"""A motion has begun for the eye when it has gone half its way."""
LEAST_WAY = 0.03
"""Of an action's strength: what rises less was not seen."""
RATE_HZ = 30.0


@dataclass(frozen=True)
class Known:
    """A motion of the portrait, and the facial actions that it is."""

    name: str
    event: Event
    actions: tuple[str, ...]

    @property
    def half_s(self) -> float:
        """When it has gone half its way."""
        return self.event.start_s + HALF * self.event.rise_s


def portrait() -> tuple[AnimatedPortrait, tuple[Known, ...]]:
    """A portrait that raises its brows, smiles and opens its mouth, with a rest between; and these motions."""
    brows, smile, jaw = Event(3.0, 0.4, 1.2, 0.6, 0.9), Event(7.0, 0.5, 1.5, 0.8, 1.3), Event(11.5, 0.4, 1.0, 0.5, 0.8)
    motion = PortraitMotion(
        brow_left=(brows,),
        brow_right=(brows,),
        smile_left=(RELAXED, smile),
        smile_right=(RELAXED, smile),
        jaw=(jaw,),
        lips_closed=(Constant(0.95), Event(7.0, 0.5, 1.5, 0.8, -0.8), Event(11.5, 0.4, 1.0, 0.5, -0.9)),
    )
    known = (
        Known("brows", brows, ("AU1 inner brow raiser", "AU2 outer brow raiser")),
        Known("smile", smile, ("AU12 lip corner puller",)),
        Known("mouth", jaw, ("AU26 jaw drop",)),
    )
    return AnimatedPortrait(length=round(LENGTH_S * RATE_HZ), motion=motion), known


def portrait_rows(name: str, said: Sequence[FaceExpressionArray], known: Sequence[Known]) -> Iterator[dict[str, Any]]:
    """Of each known motion: by how many frames its facial actions come later, and what was decided at its height."""
    first_ns = said[0].header.stamp_ns
    stamps_s = np.array([(result.header.stamp_ns - first_ns) / NS for result in said])
    for motion in known:
        strength = np.array([_strength(result, motion.actions) for result in said])
        held_s = motion.event.start_s + motion.event.rise_s + HALF * motion.event.hold_s
        held = said[int(np.argmin(np.abs(stamps_s - held_s)))]
        yield {
            "part": "portrait",
            "model": name,
            "motion": motion.name,
            "late_frames": RATE_HZ * (half_way_s(stamps_s, strength, motion.event) - motion.half_s),
            "decided": held.faces[0].label if held.faces else "no face",
        }


def half_way_s(stamps_s: NDArray[np.float64], strength: NDArray[np.float64], event: Event) -> float:
    """When a curve (T,) has risen half the way of an event, between frames; NaN where it hardly rises."""
    start_s, end_s = event.start_s, event.start_s + event.rise_s + event.hold_s
    rest = strength[(stamps_s >= start_s - BEFORE_S[0]) & (stamps_s <= start_s - BEFORE_S[1])]
    shown = np.flatnonzero((stamps_s >= start_s) & (stamps_s <= end_s))
    low, high = float(np.nanmedian(rest)), float(np.nanmax(strength[shown]))
    level = low + HALF * (high - low)
    above = shown[strength[shown] >= level]
    if not high - low >= LEAST_WAY or not len(above):
        return float("nan")
    now = int(above[0])
    share = (level - strength[now - 1]) / max(strength[now] - strength[now - 1], 1e-9)
    return float(stamps_s[now - 1] + share * (stamps_s[now] - stamps_s[now - 1]))


def _strength(result: FaceExpressionArray, actions: Sequence[str]) -> float:
    """Mean of the facial actions of these names, of both sides."""
    if not result.faces:
        return float("nan")
    chosen = [place for place, name in enumerate(result.action_names) if name.startswith(tuple(actions))]
    return float(result.faces[0].actions[chosen].mean())


def clip_row(name: str, recording: str, said: Sequence[FaceExpressionArray]) -> dict[str, Any]:
    """What was decided in a video, one label after the other, and the phases of what was shown."""
    first_ns = said[0].header.stamp_ns
    spans = []
    for label, group in groupby(said, key=lambda result: result.faces[0].label if result.faces else "no face"):
        spans.append(f"{label} from {(next(group).header.stamp_ns - first_ns) / NS:.2f} s")
    events = [event for result in said for event in result.events]
    return {
        "part": "clip",
        "model": name,
        "recording": recording,
        "labels": ", ".join(spans),
        "phases": ", ".join(_in_words(event, first_ns) for event in events),
    }


def answers(stage: Stage, frames: Sequence[Any]) -> list[FaceExpressionArray]:
    """What an expression stage says of each frame."""
    stage.reset()
    return [stage.process(frame) for frame in frames]


def seen_portrait(frames: Iterable[Frame]) -> tuple[FaceLandmarksArray, ...]:
    """As the real detector sees it."""
    return frames_of(observe(frames))


def _in_words(event: FaceExpressionEvent, first_ns: int) -> str:
    return f"{event.phase.name.lower()} at {(event.began_ns - first_ns) / NS:.2f} s ({event.label})"
