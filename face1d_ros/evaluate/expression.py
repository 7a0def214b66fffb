"""How well expressions are read: labels at the apex, phases, when they begin, and what is seen where there is nothing.

Letters: T frames of a sequence, L labels. Classes are the labels and, after them, none of these.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from face1d_ros.evaluate.classification import Confusion, EventErrors, confusion, event_errors, phase_macro_f1
from face1d_ros.evaluate.expression_tracks import NONE, UNSEEN, Answers, ExpressionTrack
from face1d_ros.synth.motion.types import LABELS, NEUTRAL
from face1d_ros.types import Phase

CLASSES = (*LABELS, "none")
LEAST_REST_S = 0.5
"""Of a stretch of neutral that is judged."""
TIMED_HZ = 30.0
"""Beginnings are timed at this rate."""
SHOWING = ("expressions",)
NOT_SHOWING = ("speech", "idle")
"""Blocks with expressions, and with none: speech, and motion of the head alone."""
FREE = ("free",)
"""Gestures that somebody chose, which are none of the expressions either."""


@dataclass
class Judged:
    """What is collected of one model."""

    truth: list[int] = field(default_factory=list)
    answer: list[int] = field(default_factory=list)
    rate_hz: list[float] = field(default_factory=list)
    subject: list[int] = field(default_factory=list)
    phases: list[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]] = field(default_factory=list)
    """True, as said in each frame, as told afterwards."""
    onsets: list[EventErrors] = field(default_factory=list)
    apexes: list[EventErrors] = field(default_factory=list)
    false_starts: dict[str, int] = field(default_factory=dict)
    """By block: how often one of the expressions was decided on where there was none."""
    seconds: dict[str, float] = field(default_factory=dict)
    by_sequence: dict[str, Judged] = field(default_factory=dict)
    """Each sequence's own, by name."""

    def add(self, track: ExpressionTrack, answers: Answers) -> None:
        """One sequence."""
        alone = Judged()
        alone._collect(track, answers)
        self.by_sequence[track.name] = alone
        self._collect(track, answers)

    def _collect(self, track: ExpressionTrack, answers: Answers) -> None:
        block = track.name.split("/")[0]
        if block in SHOWING:
            self._labels(track, answers)
            self._phases(track, answers)
        else:
            starts = false_starts(answers.label)
            self.false_starts[block] = self.false_starts.get(block, 0) + starts
            length_s = float(track.stamps_s[-1] - track.stamps_s[0])
            self.seconds[block] = self.seconds.get(block, 0.0) + length_s

    def confusion(self, rate_hz: float | None = None) -> Confusion:
        """At the apex and at rest, of all sequences or of those of one rate."""
        chosen = np.array([rate_hz is None or abs(rate - rate_hz) < 1.0 for rate in self.rate_hz])
        return confusion(np.array(self.truth)[chosen], np.array(self.answer)[chosen], CLASSES)

    def phase_f1(self, *, afterwards: bool) -> float:
        """Frame-wise macro F1 over all frames with an answer."""
        true, said, told = (np.concatenate(parts) for parts in zip(*self.phases, strict=True))
        return phase_macro_f1(true, told if afterwards else said)

    def false_per_min(self, blocks: Sequence[str]) -> float:
        """Expressions a minute where there are none."""
        seconds = sum(self.seconds.get(block, 0.0) for block in blocks)
        return 60.0 * sum(self.false_starts.get(block, 0) for block in blocks) / seconds if seconds else float("nan")

    def _labels(self, track: ExpressionTrack, answers: Answers) -> None:
        for frames in (*_stretches(track.phase == Phase.APEX), *_rests(track)):
            known = frames[answers.likeliest[frames] != UNSEEN]
            if len(known):
                middle = known[np.argmin(np.abs(known - frames[len(frames) // 2]))]
                self.truth.append(int(track.label[middle]))
                self.answer.append(int(answers.likeliest[middle]))
                self.rate_hz.append(track.rate_hz)
                self.subject.append(track.subject)

    def _phases(self, track: ExpressionTrack, answers: Answers) -> None:
        known = answers.phase != UNSEEN
        self.phases.append((track.phase[known], answers.phase[known], answers.judged[known]))
        if abs(track.rate_hz - TIMED_HZ) < 1.0 and known.sum() > 1:
            errors = event_errors(track.phase[known], answers.judged[known], track.stamps_s[known])
            self.onsets.append(errors[Phase.ONSET])
            self.apexes.append(errors[Phase.APEX])


def false_starts(label: NDArray[np.intp]) -> int:
    """How often a decided label (T,) becomes one of the expressions."""
    shown = (label != NEUTRAL) & (label != NONE) & (label != UNSEEN)
    begins = shown & np.append(True, label[1:] != label[:-1])
    return int(begins.sum())


def median_ms(errors: Sequence[EventErrors]) -> float:
    """Median time by which matched beginnings are off; NaN without any."""
    off = [abs(late) for one in errors for late in one.late_ms]
    return float(np.median(off)) if off else float("nan")


def found_share(errors: Sequence[EventErrors]) -> float:
    """Share of true beginnings that were found."""
    true = sum(one.matched + one.missed for one in errors)
    return sum(one.matched for one in errors) / true if true else float("nan")


def _rests(track: ExpressionTrack) -> Iterator[NDArray[np.intp]]:
    """Neutral stretches that are long enough."""
    for frames in _stretches(track.label == NEUTRAL):
        if track.stamps_s[frames[-1]] - track.stamps_s[frames[0]] >= LEAST_REST_S:
            yield frames


def _stretches(mask: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Frames in a row."""
    frames = np.flatnonzero(mask)
    return [part for part in np.split(frames, np.flatnonzero(np.diff(frames) > 1) + 1) if len(part)]
