"""When the phases of an expression begin, told against true: of one person, from a truth's frames and from events."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from face1d_ros.evaluate.classification import EVENTS, EventErrors, event_errors
from face1d_ros.types import FaceExpressionEvent, Phase


@dataclass
class PhaseErrors:
    """Of all persons; 9 bytes a frame with a true phase."""

    late_ms: dict[Phase, list[float]] = field(default_factory=lambda: {phase: [] for phase in EVENTS})
    missed: Counter[Phase] = field(default_factory=Counter)
    extra: Counter[Phase] = field(default_factory=Counter)
    _stamps_ns: dict[int, array[int]] = field(default_factory=dict)
    _phases: dict[int, array[int]] = field(default_factory=dict)
    _events: dict[int, list[FaceExpressionEvent]] = field(default_factory=dict)

    def frame(self, face: int, stamp_ns: int, phase: Phase) -> None:
        """A person's true phase; a stamp that is not later begins anew."""
        stamps_ns = self._stamps_ns.setdefault(face, array("q"))
        if stamps_ns and stamp_ns <= stamps_ns[-1]:
            self._close(face)
            stamps_ns = self._stamps_ns.setdefault(face, array("q"))
        stamps_ns.append(stamp_ns)
        self._phases.setdefault(face, array("b")).append(int(phase))

    def event(self, face: int, event: FaceExpressionEvent) -> None:
        """What was told of the person."""
        self._events.setdefault(face, []).append(event)

    def close(self) -> None:
        """The bag has ended."""
        for face in list(self._stamps_ns):
            self._close(face)

    def _close(self, face: int) -> None:
        stamps_ns = np.array(self._stamps_ns.pop(face), np.int64)
        true = np.array(self._phases.pop(face), np.intp)
        events = self._events.pop(face, [])
        stamps_s = (stamps_ns - stamps_ns[0]) * 1e-9
        for phase, errors in event_errors(true, _told(events, stamps_ns), stamps_s).items():
            self._add(phase, errors)

    def _add(self, phase: Phase, errors: EventErrors) -> None:
        self.late_ms[phase] += errors.late_ms
        self.missed[phase] += errors.missed
        self.extra[phase] += errors.extra


def _told(events: list[FaceExpressionEvent], stamps_ns: NDArray[np.int64]) -> NDArray[np.intp]:
    """(T,) the phase that the events tell of each frame; neutral before the first one."""
    told = np.full(len(stamps_ns), int(Phase.NEUTRAL), np.intp)
    for event in events:
        told[stamps_ns >= (event.began_ns or event.header.stamp_ns)] = int(event.phase)
    return told
