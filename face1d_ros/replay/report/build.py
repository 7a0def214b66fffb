"""A report of a bag of results: read once from its beginning to its end, in bounded memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from face1d_ros.graph import STAGES
from face1d_ros.replay.report.accuracy import Accuracy
from face1d_ros.replay.report.binned import Spans
from face1d_ros.replay.report.content import HIGHER, LOWER, Figure, Moment, Report, Run
from face1d_ros.replay.report.expressions import Expressions
from face1d_ros.replay.report.faces import Bridges, Presence, take_faces
from face1d_ros.replay.report.heads import Heads
from face1d_ros.replay.report.identities import Identities
from face1d_ros.replay.report.latencies import Latencies
from face1d_ros.replay.report.pseudo import PseudoErrors
from face1d_ros.replay.report.results import Result, Results
from face1d_ros.replay.report.stability import Stability, ratio_figures
from face1d_ros.replay.report.timeline import Timeline
from face1d_ros.replay.report.tracks import KEPT, MOST_LIVE, TrackBook
from face1d_ros.replay.report.truth import Truth

RANKS = {spec.stage: rank for rank, spec in enumerate(STAGES)}
"""The earliest stage that was recorded tells the time."""


def build_report(results: Path, run: Run, truth: Truth | None = None, moments: Sequence[Moment] = ()) -> Report:
    """The report of a bag; what of `run` is not known is taken from the bag."""
    bag = Results(results)
    builder = Builder(truth)
    for result in bag:
        builder.take(result)
    damage = (*run.damage, *(line for line in bag.damage if line not in run.damage))
    return builder.report(replace(run, damage=damage), moments, bag.notes)


class Builder:
    """Collects what results say, one after the other."""

    def __init__(self, truth: Truth | None = None) -> None:
        self._accuracy = None if truth is None else Accuracy(truth)
        self._time = Timeline()
        self._leading = len(RANKS)
        self._size = (0, 0)
        self._book = TrackBook()
        self._presence: defaultdict[str, Presence] = defaultdict(Presence)
        self._bridges = Bridges()
        self._raw, self._smoothed = Stability("raw", self._book), Stability("smoothed", self._book)
        self._pseudo = PseudoErrors()
        self._heads = Heads(self._book)
        self._expressions = Expressions(self._book, self._time.place_s)
        self._identities = Identities(self._book, self._time.place_s)
        self._latencies = Latencies(self._book)
        parts = (
            self._bridges,
            self._raw,
            self._smoothed,
            self._pseudo,
            self._heads,
            self._expressions,
            self._identities,
        )
        self._book.on_close += [part.forget for part in parts]
        if self._accuracy is not None:
            self._book.on_close.append(self._accuracy.forget)
        self._takers: dict[str, Callable[[Any, float], None]] = {
            "landmarks": self._take_raw,
            "smoothing": self._take_smoothed,
            "mesh": self._take_mesh,
            "expression": self._take_expression,
            "identity": self._identities.take,
        }

    def take(self, result: Result) -> None:
        """The next message of the bag."""
        value, stamp_ns = result.value, result.value.header.stamp_ns
        if self._accuracy is not None and not self._presence:
            self._accuracy.truth.begin(stamp_ns)
        t_s = self._place_s(result.stage, stamp_ns)
        for face in value.faces:
            self._book.seen(face.track_id, t_s)
        self._book.ended(value.ended_track_ids, t_s)
        self._presence[result.stage].take(len(value.faces), t_s)
        if not all(self._book.knows(face.track_id) for face in value.faces):
            value = replace(value, faces=tuple(face for face in value.faces if self._book.knows(face.track_id)))
        self._latencies.take(result.stage, value.info, stamp_ns, result.recorded_ns, t_s)
        self._takers[result.stage](value, t_s)
        self._book.sweep(t_s)

    def report(self, run: Run, moments: Sequence[Moment] = (), notes: Iterable[str] = ()) -> Report:
        """Of all that was taken; once, at the end."""
        end_s = self._time.end_s
        self._book.close()
        self._latencies.close()
        for presence in self._presence.values():
            presence.close(end_s)
        if self._accuracy is not None:
            self._accuracy.close()
        run = self._completed(run)
        return Report(
            run,
            figures=tuple(self._figures(run)),
            series=tuple(self._book.series(self._time.step_s or 0.0)),
            spans=tuple(span for spans in self._spans() for span in spans.found()),
            judgements=tuple(self._identities.judgements),
            latencies=tuple(self._latencies.found()),
            moments=tuple(moments),
            verdicts=() if self._accuracy is None else self._accuracy.verdicts(self._latencies.slowest_ms()),
            truth="" if self._accuracy is None else self._accuracy.truth.description,
            notes=(*notes, *self._notes()),
        )

    def _place_s(self, stage: str, stamp_ns: int) -> float:
        self._leading = min(self._leading, RANKS[stage])
        if RANKS[stage] == self._leading:
            return self._time.lead(stamp_ns)
        return self._time.place_s(stamp_ns)

    def _take_raw(self, frame: Any, t_s: float) -> None:
        if frame.image_width and frame.image_height:
            self._size = (frame.image_width, frame.image_height)
        take_faces(frame, t_s, self._book)
        self._raw.take(frame, t_s)
        self._pseudo.take_raw(frame)
        if self._accuracy is not None:
            self._accuracy.landmarks("raw", frame)

    def _take_smoothed(self, frame: Any, t_s: float) -> None:
        if "landmarks" not in self._presence:
            self._size = (frame.image_width, frame.image_height)
            take_faces(frame, t_s, self._book)
        self._bridges.take(frame, t_s)
        self._smoothed.take(frame, t_s)
        self._pseudo.take_smoothed(frame)
        if self._accuracy is not None:
            self._accuracy.landmarks("smoothed", frame)

    def _take_mesh(self, frame: Any, t_s: float) -> None:
        self._heads.take(frame, t_s)
        if self._accuracy is not None:
            self._accuracy.poses(frame)

    def _take_expression(self, frame: Any, t_s: float) -> None:
        self._expressions.take(frame, t_s)
        if self._accuracy is not None:
            self._accuracy.expressions(frame)

    def _completed(self, run: Run) -> Run:
        step_s = self._time.step_s
        width, height = self._size
        return replace(
            run,
            frames=run.frames or self._time.frames,
            duration_s=run.duration_s or self._time.end_s,
            rate_hz=run.rate_hz or (1.0 / step_s if step_s else None),
            width=run.width or width,
            height=run.height or height,
            models=run.models or self._latencies.models(),
        )

    def _first_presence(self) -> Presence | None:
        """Of the earliest stage that was recorded."""
        return min(self._presence.items(), key=lambda item: RANKS[item[0]])[1] if self._presence else None

    def _figures(self, run: Run) -> list[Figure]:
        presence = self._first_presence()
        stability = [side for side in (self._raw, self._smoothed) if side.frames]
        found = [*run_figures(run), *self._time_figures()]
        if presence is not None:
            found += presence.figures()
            found += [
                Figure("faces.tracks", "tracks", float(self._book.count)),
                Figure("faces.longest_track_s", "longest track", self._book.longest_s, "s", HIGHER),
            ]
        found += self._bridges.figures()
        found += [figure for side in stability for figure in side.figures()]
        if len(stability) == 2:
            found += [*ratio_figures(self._raw, self._smoothed), *self._pseudo.figures()]
        for part in (self._expressions, self._heads, self._identities, self._latencies):
            found += part.figures()
        return found if self._accuracy is None else found + self._accuracy.figures()

    def _time_figures(self) -> list[Figure]:
        return [
            Figure("run.jumps", "jumps of the stamps", float(self._time.jumps), "", LOWER),
            Figure("run.late_stamps", "frames with a stamp before the one of the frame before", float(self._time.late)),
        ]

    def _spans(self) -> list[Spans]:
        presence = self._first_presence()
        without = [presence.spans] if presence is not None else []
        return [self._book.spans, self._expressions.labels, self._expressions.phases, self._bridges.spans, *without]

    def _notes(self) -> list[str]:
        if not self._presence:
            return ["The bag holds no results: none of the topics face1d/… has a message that can be read."]
        missing = [spec.publishes[0].name for spec in STAGES if spec.stage not in self._presence]
        found = [f"Not recorded: {', '.join(missing)}."] if missing else []
        if self._time.jumps:
            times = "once" if self._time.jumps == 1 else f"{self._time.jumps} times"
            found.append(f"The stamps jump {times}; what follows a jump stands right behind what was before it.")
        if self._book.without_series:
            found.append(f"Curves are of the {KEPT} faces that were there longest; tracks in all: {self._book.count}.")
        if self._book.turned_away:
            found.append(f"More than {MOST_LIVE} faces at once: those beyond were not followed.")
        for spans in self._spans():
            if spans.left_out:
                found.append(f"Of the stretches '{spans.kind}' the {spans.left_out} shortest are left out.")
        if self._identities.left_out:
            found.append(f"{self._identities.left_out} later decisions about identity are counted and not listed.")
        return found if self._accuracy is None else found + self._accuracy.notes()


def run_figures(run: Run) -> list[Figure]:
    """What was run, in numbers."""
    found = [
        Figure("run.frames", "frames", float(run.frames)),
        Figure("run.duration_s", "duration by the stamps", run.duration_s, "s"),
        Figure("run.rate_hz", "rate of the frames", run.rate_hz, "Hz"),
        Figure("run.left_out", "frames of the source left out", float(sum(run.left_out.values())), "", LOWER),
        Figure("run.damaged", "things that could not be read", float(len(run.damage)), "", LOWER),
    ]
    if run.wall_s:
        factor = run.duration_s / run.wall_s
        found.append(Figure("run.wall_s", "time the run took", run.wall_s, "s", LOWER))
        found.append(Figure("run.realtime_factor", "times as fast as real time", factor, "", HIGHER))
    return found


def read_run(results: Path) -> Run:
    """What a bag says of itself where no run.json stands beside it; the rest is completed from its messages."""
    return Run(command=f"face1d report {results}", source=f"bag {results.name}")
