"""The parts of `face1d evaluate expression`, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.progress import Progress

from face1d_ros.cli.bundle_folders import bundle_folders
from face1d_ros.cli.interrupts import between, interrupted_between_frames
from face1d_ros.cli.smoothing_run import names_of, open_sequences
from face1d_ros.cli.smoothing_timing import RATE_HZ, at_30_hz, times_in_turn_s
from face1d_ros.config import ExpressionConfig, MeshConfig, SmoothingConfig
from face1d_ros.engines.bundle import load_bundle
from face1d_ros.errors import DetectorError, InvalidValueError, MissingDependencyError
from face1d_ros.evaluate import real_smoothing
from face1d_ros.evaluate.expression import FREE, NOT_SHOWING, SHOWING, Judged
from face1d_ros.evaluate.expression_report import (
    RATES_HZ,
    Contender,
    beaten_by,
    confusion_rows,
    model_row,
    rate_rows,
    sequence_rows,
    subject_rows,
    targets,
)
from face1d_ros.evaluate.expression_tracks import ExpressionTrack, all_inputs, expression_track, follow, slower
from face1d_ros.evaluate.group_studies import expression_rows
from face1d_ros.evaluate.groups import read_groups
from face1d_ros.evaluate.measurement import Measurement, conditions
from face1d_ros.evaluate.real_expression import (
    answers,
    clip_row,
    portrait,
    portrait_rows,
    seen_portrait,
)
from face1d_ros.stages.expression import ExpressionStage
from face1d_ros.stages.expression_model import BOTH, DEFAULTS, TASK
from face1d_ros.stages.mesh import MeshStage
from face1d_ros.stages.smoothing import SmoothingStage
from face1d_ros.synth.sequence import Sequence
from face1d_ros.types import Topology

QUICK_EVERY = 6
TIMED_FRAMES, QUICK_TIMED_FRAMES = 200, 20
Advance = Callable[[], None]


@dataclass(frozen=True)
class Settings:
    """What was asked for."""

    what: str
    models: tuple[str, ...] = ()
    clips: Path | None = None
    quick: bool = False
    groups: Path | None = None
    """Of sequences, for figures by group."""

    @property
    def timed_frames(self) -> int:
        """Of each model."""
        return QUICK_TIMED_FRAMES if self.quick else TIMED_FRAMES


@dataclass(frozen=True, eq=False)
class Run:
    """What came out."""

    name: str
    default: Contender | None
    judged: dict[str, Judged]
    measurement: Measurement
    notes: tuple[str, ...]
    """What was not measured or does not hold."""


class Runner:
    """Holds what all parts need."""

    def __init__(self, settings: Settings, progress: Progress, opened: ExitStack) -> None:
        """`opened` closes the stages."""
        self.settings, self._progress = settings, progress
        self.groups = read_groups(settings.groups) if settings.groups else None
        self.source, self.name = open_sequences(settings.what)
        self.clips = real_smoothing.clips(settings.clips) if settings.clips else []
        names = names_of(self.source)
        self.chosen = _chosen(names, settings)
        if self.groups is not None:
            self.groups.check([names[index] for index in self.chosen])
        self.smoothing = opened.enter_context(closing(SmoothingStage(SmoothingConfig())))
        self.mesh = opened.enter_context(closing(MeshStage(MeshConfig())))
        self.contenders = contenders(settings.models)
        self.default = next((one for one in self.contenders if one.name == DEFAULTS[BOTH]), None)
        if self.default is None and settings.models:
            self.default = self.contenders[0]
        self.stages = {
            one.name: opened.enter_context(
                closing(ExpressionStage(ExpressionConfig(input=one.input, model=str(one.bundle.path))))
            )
            for one in self.contenders
        }

    def run(self) -> Run:
        """All of it."""
        notes: list[str] = []
        judged, rates, last = self._judged()
        times_s = self._times_s(last)
        rows = [model_row(one, judged[one.name], times_s[one.name]) for one in self.contenders]
        every = list(rows)
        for one in self.contenders:
            every += confusion_rows(one.name, judged[one.name])
            every += sequence_rows(one.name, judged[one.name])
        if self.groups is not None:
            every += expression_rows(self.groups, judged)
        if self.default is not None:
            every += subject_rows(self.default.name, judged[self.default.name])
            every += rate_rows(self.default.name, rates)
            notes += beaten_by(self.default.name, rows)
        self._real(every, notes)
        ours = next((row for row in rows if self.default and row["model"] == self.default.name), None)
        under = conditions(
            data="synthetic",
            what=self.name,
            sequences=len(self.chosen),
            default=self.default.name if self.default else None,
            timing=f"{self.settings.timed_frames} frames at {RATE_HZ:g} Hz with sleeps, models in turn",
        )
        return Run(
            self.name,
            self.default,
            judged,
            Measurement("evaluate expression", under, every, targets(ours)),
            tuple(notes),
        )

    def _judged(self) -> tuple[dict[str, Judged], dict[float, Judged], ExpressionTrack]:
        """Each model on all sequences; the default on the fastest ones at lower rates too; and a sequence."""
        advance = self._bar("expressions", len(self.chosen) * len(self.contenders))
        judged = {one.name: Judged() for one in self.contenders}
        rates: dict[float, Judged] = {rate: Judged() for rate in RATES_HZ}
        timed: ExpressionTrack | None = None
        for number in self.chosen:
            sequence = self.source[number]
            track = expression_track(sequence, self.smoothing, self.mesh)
            for one in self.contenders:
                judged[one.name].add(track, follow(self.stages[one.name], track.inputs[one.input], track.stamps_s))
                advance()
            self._at_rates(sequence, rates)
            timed = timed or track
        if timed is None:
            raise InvalidValueError("WHAT", self.settings.what, "a test set with expressions")
        return judged, {rate: one for rate, one in rates.items() if one.truth}, timed

    def _at_rates(self, sequence: Sequence, rates: dict[float, Judged]) -> None:
        fastest = RATES_HZ[0]
        is_fast = abs(sequence.plan.camera.rate_hz - fastest) < 1.0 and sequence.name.split("/")[0] in SHOWING
        if not is_fast or self.default is None:
            return
        stage = self.stages[self.default.name]
        for rate, one in rates.items():
            track = expression_track(slower(sequence, round(fastest / rate)), self.smoothing, self.mesh)
            one.add(track, follow(stage, track.inputs[self.default.input], track.stamps_s))

    def _times_s(self, track: ExpressionTrack) -> dict[str, list[float]]:
        frames = self.settings.timed_frames
        given: list[Any] = []
        for one in self.contenders:
            shown = [frame for frame in track.inputs[one.input] if getattr(frame, "faces", ())]
            given.append((self.stages[one.name], at_30_hz(shown, frames)))
        times_s = times_in_turn_s(given, self._bar("timing at 30 Hz", frames))
        return dict(zip((one.name for one in self.contenders), times_s, strict=True))

    def _real(self, rows: list[dict[str, Any]], notes: list[str]) -> None:
        """Behind the real detector: the portrait, and videos of the user."""
        try:
            shown, known = portrait()
            with interrupted_between_frames() as check:
                frames = seen_portrait(between(shown.frames(), check))
            seen = all_inputs(frames, self.smoothing, self.mesh)
            for one in self.contenders:
                rows += portrait_rows(one.name, answers(self.stages[one.name], seen[one.input]), known)
            self._clips(rows, notes)
        except (MissingDependencyError, DetectorError) as error:
            notes.append(f"anything behind the real detector: {error}")

    def _clips(self, rows: list[dict[str, Any]], notes: list[str]) -> None:
        if not self.clips:
            notes.append("real video: name a folder of videos with --clips")
            return
        advance = self._bar("videos", len(self.clips))
        for path in self.clips:
            recorded = real_smoothing.record_clip(path, Topology.MESH_478)
            if isinstance(recorded, str):
                notes.append(recorded)
                continue
            seen = all_inputs(recorded.track.frames, self.smoothing, self.mesh)
            for one in self.contenders:
                rows.append(clip_row(one.name, path.name, answers(self.stages[one.name], seen[one.input])))
            advance()

    def _bar(self, what: str, total: int) -> Advance:
        task = self._progress.add_task(what, total=total)
        return lambda: self._progress.advance(task)


def measure(settings: Settings, progress: Progress) -> Run:
    """Everything that was asked for."""
    with ExitStack() as opened:
        return Runner(settings, progress, opened).run()


def contenders(models: tuple[str, ...]) -> tuple[Contender, ...]:
    """The bundles named, or all shipped ones of the task."""
    found = []
    for folder in bundle_folders(models):
        bundle = load_bundle(folder)
        if bundle.manifest.task == TASK:
            found.append(Contender.of(bundle))
        elif models:
            raise InvalidValueError("--models", f"{bundle.manifest.name}, for {bundle.manifest.task}", f"{TASK} models")
    if not found:
        raise InvalidValueError("--models", "none", "expression bundles; none comes with this version")
    names = [one.name for one in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidValueError("--models", f"{', '.join(twice)} more than once", "bundles of different names")
    return tuple(found)


def _chosen(names: list[str], settings: Settings) -> list[int]:
    """Numbers of the sequences of the blocks that are judged."""
    wanted = {*SHOWING, *NOT_SHOWING, *FREE}
    chosen = [index for index, name in enumerate(names) if name.split("/")[0] in wanted]
    if not any(names[index].split("/")[0] in SHOWING for index in chosen):
        raise InvalidValueError("WHAT", settings.what, f"a test set with sequences of the block {SHOWING[0]}")
    return chosen[::QUICK_EVERY] if settings.quick else chosen
