"""The plans of a corpus whose faces move as a real one was captured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from face1d_ros.synth.corpus.plans import cast_for, check_drawn
from face1d_ros.synth.motion.capture import Capture, capture_plan
from face1d_ros.synth.sequence import SequencePlan
from face1d_ros.synth.sequence_draw import draw_subject, filmed
from face1d_ros.synth.splits import Purpose

SPEEDS, GAINS = (0.7, 1.4), (0.6, 1.2)
"""Ranges that are drawn from."""


@dataclass(frozen=True, eq=False)
class CapturePlans:
    """The whole capture again and again: by other subjects, at other speeds and strengths, before other cameras."""

    capture: Capture
    split: str = "train"
    seed: int = 1
    sequences: int = 100

    def __post_init__(self) -> None:
        check_drawn(self.split, self.seed, self.sequences)

    @property
    def count(self) -> int:
        """How many there are."""
        return self.sequences

    def plan(self, index: int) -> SequencePlan:
        """One of them."""
        cast = cast_for(self.split, self.seed, self.sequences, index)
        subject, rng = draw_subject(cast, index), cast.rng(Purpose.MOTION, index)
        speed, gain = (round(rng.uniform(*limits), 6) for limits in (SPEEDS, GAINS))
        motion = capture_plan(self.capture, subject.style, speed, gain)
        return filmed(cast, index, f"{self.split}/capture/{index:06d}", subject, motion)

    def as_dict(self) -> Mapping[str, Any]:
        """What names them fully."""
        capture = {"name": self.capture.name, "sha256": self.capture.sha256}
        return {"capture": capture, "split": self.split, "seed": self.seed, "sequences": self.sequences}
