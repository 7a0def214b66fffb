"""What smoothers are trained on: sequences as they come, in which more is hidden and lost than usual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from face1d_ros.synth.corpus.plans import CorpusPlan
from face1d_ros.synth.noise.plan import OCCLUSION_REGIONS, Gap, Occlusion
from face1d_ros.synth.sequence import SequencePlan

EVERY_S = 3.0
"""Seconds for one occlusion and one loss each."""
HIDDEN_S, LOST_S = (0.3, 1.5), (0.04, 0.34)
"""How long, from and to: losses are such as are bridged."""


@dataclass(frozen=True)
class Eventful:
    """The plans of a corpus with other events. In the corpus itself three frames of a hundred have something hidden."""

    base: CorpusPlan

    @property
    def count(self) -> int:
        """How many there are."""
        return self.base.count

    def plan(self, index: int) -> SequencePlan:
        """One of them."""
        plan = self.base.plan(index)
        rng = np.random.default_rng((self.base.seed, plan.noise.seed, 0xE7))
        hidden = tuple(
            Occlusion(OCCLUSION_REGIONS[int(rng.integers(len(OCCLUSION_REGIONS)))], *span)
            for span in _spans(rng, plan.duration_s, HIDDEN_S)
        )
        lost = tuple(Gap(*span) for span in _spans(rng, plan.duration_s, LOST_S))
        return replace(plan, noise=replace(plan.noise, occlusions=hidden, dropouts=lost))

    def as_dict(self) -> Mapping[str, Any]:
        """What names them fully."""
        return {**self.base.as_dict(), "events": f"one of each in {EVERY_S:g} s"}


def _spans(rng: np.random.Generator, duration_s: float, lengths_s: tuple[float, float]) -> list[tuple[float, float]]:
    """(start, duration) of one in each stretch of `EVERY_S`."""
    count = max(int(duration_s / EVERY_S), 1)
    starts = duration_s * (np.arange(count) + rng.random(count)) / count
    return [(round(float(start), 6), round(float(rng.uniform(*lengths_s)), 6)) for start in starts]
