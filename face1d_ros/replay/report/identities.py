"""What was decided about who the faces are, each decision once."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

from face1d_ros.replay.report.binned import Group, Line
from face1d_ros.replay.report.content import Figure, Judgement
from face1d_ros.replay.report.tracks import TrackBook
from face1d_ros.types import Decision, FaceIdentity, FaceIdentityArray, Factor

MOST = 1000
"""Decisions that are listed; all are counted."""
SCORE = Group("identity", (Line("identity.score", "similarity"), Line("identity.threshold", "needed")))
FACTORS = {Factor.MOTION: "motion only", Factor.APPEARANCE: "appearance only"}


class Identities:
    """Of all faces. `place_s` tells where a stamp lies in the report."""

    def __init__(self, book: TrackBook, place_s: Callable[[int], float]) -> None:
        self.judgements: list[Judgement] = []
        self.left_out = 0
        """Decisions that are counted and not listed."""
        self._book = book
        self._place_s = place_s
        self._frames = 0
        self._counts: Counter[Decision] = Counter()
        self._last: dict[int, tuple[object, ...]] = {}

    def take(self, frame: FaceIdentityArray, t_s: float) -> None:
        """The next frame; a decision stays in the messages until the next one."""
        self._frames += 1
        for face in frame.faces:
            if not math.isnan(face.score):
                self._book.add(face.track_id, SCORE, t_s, [face.score, face.threshold])
            told = (face.decision, face.subject, face.judged_from_ns, face.judged_to_ns)
            if self._last.get(face.track_id) != told:
                self._last[face.track_id] = told
                if face.decision is not Decision.UNKNOWN:
                    self._judged(face, t_s)

    def forget(self, track_id: int) -> None:
        """The track has ended."""
        self._last.pop(track_id, None)

    def figures(self) -> list[Figure]:
        """Nothing where the stage was not recorded."""
        if not self._frames:
            return []
        kinds = [decision for decision in Decision if decision is not Decision.UNKNOWN]
        found = [Figure("identity.decisions", "decisions", float(sum(self._counts.values())))]
        for kind in kinds:
            name = kind.name.lower()
            found.append(Figure(f"identity.{name}", name.replace("_", " "), float(self._counts[kind])))
        return found

    def _judged(self, face: FaceIdentity, t_s: float) -> None:
        self._counts[face.decision] += 1
        if len(self.judgements) >= MOST:
            self.left_out += 1
            return
        from_s, to_s = (self._place_s(ns) if ns else None for ns in (face.judged_from_ns, face.judged_to_ns))
        factors = FACTORS.get(face.factors, "motion and appearance" if face.factors else "")
        score, threshold, margin = (_known(value) for value in (face.score, face.threshold, face.margin))
        decision = face.decision.name.lower()
        self.judgements.append(
            Judgement(face.track_id, t_s, decision, face.subject, score, threshold, margin, factors, from_s, to_s)
        )


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
