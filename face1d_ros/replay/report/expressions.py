"""Labels, phases, intensity and actions of the expression stage's results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from face1d_ros.replay.report.binned import Group, Line, Spans
from face1d_ros.replay.report.content import Figure
from face1d_ros.replay.report.tracks import TrackBook
from face1d_ros.types import FaceExpression, FaceExpressionArray, FaceExpressionEvent, Phase

GAP_S = 1.0
"""A label ends where its next frame is further away."""
STRENGTH = Group(
    "expression",
    (
        Line("expression.intensity", "intensity"),
        Line("expression.confidence", "confidence of the label"),
        Line("expression.none_probability", "none of the labels"),
    ),
)
EVENTS = (Phase.ONSET, Phase.APEX, Phase.OFFSET)


@dataclass
class Shown:
    """What a face shows at present."""

    value: str
    from_s: float
    last_s: float


class Expressions:
    """Of all faces. `place_s` tells where a stamp lies in the report."""

    def __init__(self, book: TrackBook, place_s: Callable[[int], float]) -> None:
        self.labels, self.phases = Spans("label"), Spans("phase")
        self._book = book
        self._place_s = place_s
        self._probabilities: Group | None = None
        self._actions: Group | None = None
        self._frames: Counter[str] = Counter()
        self._events: Counter[Phase] = Counter()
        self._label: dict[int, Shown] = {}
        self._phase: dict[int, Shown] = {}
        self._changes = 0
        self._watched_s = 0.0

    def take(self, frame: FaceExpressionArray, t_s: float) -> None:
        """The next frame."""
        self._name(frame)
        for event in frame.events:
            self._event(event, t_s)
        for face in frame.faces:
            self._label_of(face, t_s)
            self._series(face, t_s)

    def forget(self, track_id: int) -> None:
        """The track has ended."""
        for shown, spans in (
            (self._label.pop(track_id, None), self.labels),
            (self._phase.pop(track_id, None), self.phases),
        ):
            if shown is not None:
                spans.add(track_id, shown.value, shown.from_s, shown.last_s)

    def figures(self) -> list[Figure]:
        """Nothing where there was no face."""
        frames = sum(self._frames.values())
        if not frames:
            return []
        known = frames - self._frames[""]
        found = [Figure("expression.known_percent", "faces with a label", 100.0 * known / frames, "%")]
        for label in sorted(self._frames.keys() - {""}, key=lambda label: -self._frames[label]):
            share = 100.0 * self._frames[label] / known
            found.append(Figure(f"expression.share.{label}_percent", f"share of {label}", share, "%"))
        for phase in EVENTS:
            name = phase.name.lower()
            found.append(Figure(f"expression.events.{name}", f"events: {name}", float(self._events[phase])))
        changes = 60.0 * self._changes / self._watched_s if self._watched_s else None
        found.append(Figure("expression.changes_per_min", "changes of the label", changes, "1/min"))
        return found

    def _name(self, frame: FaceExpressionArray) -> None:
        if self._probabilities is None and frame.labels:
            lines = (Line(f"expression.probability.{label}", label) for label in frame.labels)
            self._probabilities = Group("probabilities", tuple(lines), coarse=True)
        if self._actions is None and frame.action_names:
            lines = (Line(f"action.{name}", name) for name in frame.action_names)
            self._actions = Group("actions", tuple(lines), coarse=True)

    def _series(self, face: FaceExpression, t_s: float) -> None:
        strength = [face.intensity, face.confidence, face.none_probability]
        self._book.add(face.track_id, STRENGTH, t_s, strength)
        for group, values in ((self._probabilities, face.probabilities), (self._actions, face.actions)):
            if group is not None and len(values) == len(group.lines):
                self._book.add(face.track_id, group, t_s, values)

    def _label_of(self, face: FaceExpression, t_s: float) -> None:
        self._frames[face.label] += 1
        if not face.track_id:
            return
        shown = self._label.get(face.track_id)
        near = shown is not None and 0.0 <= t_s - shown.last_s <= GAP_S
        if shown is not None and near:
            self._watched_s += t_s - shown.last_s
            shown.last_s = t_s
            self._changes += shown.value != face.label
        if shown is None or not near or shown.value != face.label:
            if shown is not None and shown.value:
                self.labels.add(face.track_id, shown.value, shown.from_s, shown.last_s)
            self._label[face.track_id] = Shown(face.label, t_s, t_s)
        phase = self._phase.get(face.track_id)
        if phase is not None:
            phase.last_s = max(phase.last_s, t_s)

    def _event(self, event: FaceExpressionEvent, t_s: float) -> None:
        self._events[event.phase] += 1
        if not event.track_id or not self._book.knows(event.track_id):
            return
        began_s = min(self._place_s(event.began_ns), t_s) if event.began_ns else t_s
        before = self._phase.get(event.track_id)
        if before is not None:
            began_s = max(began_s, before.from_s)
            self.phases.add(event.track_id, before.value, before.from_s, min(before.last_s, began_s))
        self._phase[event.track_id] = Shown(event.phase.name.lower(), began_s, t_s)
