"""From probabilities of single frames to a label and a phase that do not flicker."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face1d_ros.config import ExpressionConfig
from face1d_ros.types import FloatArray, Phase

PHASES = (Phase.NEUTRAL, Phase.ONSET, Phase.APEX, Phase.OFFSET)
CHANGES_PER_S = np.array(
    [[0.0, 1.0, 0.05, 0.05], [0.2, 0.0, 2.5, 0.5], [0.1, 0.1, 0.0, 1.2], [1.8, 0.3, 0.1, 0.0]], np.float64
)
"""How often a phase (row) is followed by another, from the durations that expressions have."""
INDEPENDENT_AFTER_S = 0.1
"""Frames that are nearer to each other say much of the same twice."""
SURE = 1e-4
"""What a frame denies is at least so likely."""
LONGEST_STEP_S = 0.2
NS = 1_000_000_000
EARLIER_NS = NS // 15
"""A phase began at most so long before the first frame in which it was the likeliest."""


class LabelDecision:
    """Another label is taken once it has been likely enough for a while, and given up as soon as it is not."""

    def __init__(self, neutral: int) -> None:
        self.label = self._neutral = neutral
        self._wanted, self._since_s = neutral, 0.0

    def update(self, probabilities: FloatArray, dt_s: float, config: ExpressionConfig) -> int:
        """The label after a frame, as its number among the probabilities (L + 1,), the last of which is none."""
        likeliest = int(probabilities.argmax())
        if probabilities[self.label] < config.leave:
            idle = (self._neutral, len(probabilities) - 1)
            if self.label not in idle:
                self.label = max(idle, key=lambda index: float(probabilities[index]))
        if likeliest == self.label or probabilities[likeliest] < config.enter:
            self._wanted = self.label
            return self.label
        self._since_s = self._since_s + dt_s if likeliest == self._wanted else 0.0
        self._wanted = likeliest
        if self._since_s >= config.hold_s:
            self.label = likeliest
        return self.label


@dataclass(frozen=True)
class Change:
    """One phase ends and another begins."""

    phase: Phase
    previous: Phase
    began_ns: int


class PhaseDecision:
    """What each frame says of the phase, and what is sure enough to be an event: a Markov chain, forward in time.

    When an event is told, the phase has been the likeliest for some frames already: it began not long before the first
    of these. Every expression has an onset: one that nobody saw is told together with the apex.
    """

    def __init__(self) -> None:
        self.phase = Phase.NEUTRAL
        """The likeliest in the last frame."""
        self.confidence = 1.0
        self.onset_ns: int | None = None
        """When the present expression began; None: there is none."""
        self._sure = Phase.NEUTRAL
        self._belief = np.array([1.0, 0.0, 0.0, 0.0])
        self._runs_ns: dict[Phase, int] = {}
        self._left_rest_ns = 0
        self._told_ns = 0

    def update(self, probabilities: FloatArray, age_s: float, dt_s: float, stamp_ns: int) -> tuple[Change, ...]:
        """What begins with a frame; `age_s` is the time since its phase began."""
        place = int(probabilities.argmax())
        if PHASES[place] is not self.phase or not self._runs_ns:
            if self.phase is Phase.NEUTRAL:
                self._left_rest_ns = stamp_ns
            self.phase = PHASES[place]
            self._runs_ns[self.phase] = stamp_ns
        self.confidence = float(probabilities[place])
        self._follow(probabilities, min(dt_s, LONGEST_STEP_S))
        sure, previous = PHASES[int(self._belief.argmax())], self._sure
        if sure is previous:
            return ()
        changes = []
        if previous is Phase.NEUTRAL and sure is not Phase.ONSET:
            changes.append(self._change(Phase.ONSET, self._left_rest_ns, stamp_ns))
        run_ns = self._runs_ns.get(sure, stamp_ns)
        began_ns = min(max(stamp_ns - round(age_s * NS), run_ns - EARLIER_NS), run_ns)
        changes.append(self._change(sure, began_ns, stamp_ns))
        return tuple(changes)

    def _change(self, phase: Phase, began_ns: int, stamp_ns: int) -> Change:
        """Events never begin before the one before them."""
        previous, self._sure = self._sure, phase
        self._told_ns = min(max(began_ns, self._told_ns + 1), stamp_ns)
        if phase is Phase.NEUTRAL:
            self.onset_ns = None
        elif phase is Phase.ONSET:
            self.onset_ns = self._told_ns
        return Change(phase, previous, self._told_ns)

    def _follow(self, probabilities: FloatArray, dt_s: float) -> None:
        moved = self._belief + dt_s * (self._belief @ _RATES)
        weight = min(dt_s / INDEPENDENT_AFTER_S, 1.0) if dt_s else 1.0
        belief = moved * np.maximum(probabilities, SURE) ** weight
        self._belief = belief / belief.sum()


_RATES: NDArray[np.float64] = CHANGES_PER_S - np.diag(CHANGES_PER_S.sum(axis=1))
