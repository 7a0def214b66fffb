"""The parts of `face1d evaluate identity`, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress

from face1d_ros.cli.bundle_folders import bundle_folders
from face1d_ros.cli.identity_eval_clips import Origin, make_clips
from face1d_ros.cli.smoothing_run import SMALL, names_of, open_sequences
from face1d_ros.engines.bundle import load_bundle
from face1d_ros.errors import DetectorError, FaceModelMissingError, InvalidValueError, MissingDependencyError
from face1d_ros.evaluate.group_studies import identity_rows
from face1d_ros.evaluate.groups import read_groups
from face1d_ros.evaluate.identity_clips import IMITATED, REPEATED, VARIED, ClipMaker, Clips
from face1d_ros.evaluate.identity_conditions import (
    FLASH,
    LIPS_PLAN,
    MADE_ANEW,
    OF_WHAT_WAS_SEEN,
    Wanted,
    flash_count,
    robust_numbers,
)
from face1d_ros.evaluate.identity_encoder import Encoder, times_s
from face1d_ros.evaluate.identity_judge import Judge, Kept
from face1d_ros.evaluate.identity_portrait import MOTIONS as PORTRAIT_MOTIONS
from face1d_ros.evaluate.identity_portrait import REPETITIONS as PORTRAIT_REPETITIONS
from face1d_ros.evaluate.identity_portrait import portrait_clips
from face1d_ros.evaluate.identity_report import LIP_MOVEMENTS, SPOTTED, beaten_by, cost_row, paper_rows, targets
from face1d_ros.evaluate.measurement import Measurement, conditions
from face1d_ros.stages.identity_model import DEFAULT, TASK
from face1d_ros.synth.corpus.plans import LIPS
from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.synth.faces.model import face_model_path

MADE = "made"
"""In place of a folder of lip movements."""
ROBUST_EVERY, ROBUST_REPETITIONS = 3, 4
"""Conditions are tried on every so manieth subject, and so many repetitions of each motion."""
QUICK_EVERY = 6
"""Of subjects, with --quick."""
TIMED, QUICK_TIMED = 100, 10
WORDS_A_SUBJECT = 50
"""Clips of lip movements of one subject."""


@dataclass(frozen=True)
class Settings:
    """What was asked for."""

    what: str
    models: tuple[str, ...] = ()
    lips: str | None = None
    face_model: Path | None = None
    portrait: bool = False
    quick: bool = False
    groups: Path | None = None
    """Of sequences, for figures by group."""


@dataclass(frozen=True, eq=False)
class Run:
    """What came out."""

    name: str
    default: str | None
    kept: Kept
    measurement: Measurement
    notes: tuple[str, ...]
    """What was not measured or does not hold."""


def measure(settings: Settings, progress: Progress) -> Run:
    """Everything that was asked for."""
    with ExitStack() as opened:
        return Runner(settings, progress, opened).run()


class Runner:
    """Holds what all parts need."""

    def __init__(self, settings: Settings, progress: Progress, opened: ExitStack) -> None:
        """`opened` closes the encoders."""
        self.settings, self._progress = settings, progress
        self.groups = read_groups(settings.groups) if settings.groups else None
        self.notes: list[str] = []
        source, self.name = open_sequences(settings.what)
        self.names = names_of(source)
        if not any(name.startswith(f"{REPEATED}/") for name in self.names):
            raise InvalidValueError("WHAT", settings.what, f"a test set with sequences of the block {REPEATED}")
        self.encoders = [opened.enter_context(one) for one in encoders(settings.models)]
        if not self.encoders:
            self.notes.append("motion encoders: none comes with this version; name one by --models")
        names = [one.name for one in self.encoders]
        self.default = DEFAULT if DEFAULT in names else next(iter(names), None)
        self.has_face_model = self._find_face_model()
        self._lips = self._find_lips()

    def run(self) -> Run:
        """All of it."""
        clips = self._clips()
        if self.groups is not None:
            self.groups.check([clip.name for clip in clips[REPEATED].all])
        judge = Judge(self.encoders, self.default, self._bar)
        rows = [*paper_rows(), *judge.motions(clips), *judge.conditions(clips)]
        if self._lips is not None:
            what, wanted = self._lips
            rows += judge.repeated_only(self._make(what, {LIPS: wanted}, LIP_MOVEMENTS)[LIPS], LIP_MOVEMENTS)
        if self.groups is not None and self.default is not None:
            rows += identity_rows(self.groups, self.default, judge.kept.compared[self.default, SPOTTED])
        rows += self._portrait(judge)
        rows += self._cost(clips[REPEATED])
        if self.default is not None:
            self.notes += beaten_by(rows, self.default)
        under = conditions(
            data="synthetic",
            what=self.name,
            clips={name: len(some) for name, some in clips.items()},
            subjects=len(np.unique(clips[REPEATED].subject)),
            stages="default smoothing; camera unknown",
            timing=f"{self._rounds} clips of 4 s at 10 Hz with sleeps, models in turn; then in a tight loop",
        )
        measurement = Measurement("evaluate identity", under, rows, targets(rows, self.default))
        return Run(self.name, self.default, judge.kept, measurement, tuple(self.notes))

    @property
    def _rounds(self) -> int:
        return QUICK_TIMED if self.settings.quick else TIMED

    def _clips(self) -> dict[str, Clips]:
        """By block and condition."""
        wanted = {
            block: [
                Wanted(number)
                for number, name in enumerate(self.names)
                if name.startswith(f"{block}/") and self._is_taken(name)
            ]
            for block in (REPEATED, VARIED, IMITATED)
        }
        for block in (VARIED, IMITATED):
            if not wanted[block]:
                self.notes.append(f"block {block}: not in {self.name}")
        every = QUICK_EVERY if self.settings.quick and not self._is_small else ROBUST_EVERY
        tried = robust_numbers(self.names, 1 if self._is_small else every, ROBUST_REPETITIONS)
        anew = MADE_ANEW if self.has_face_model else ()
        for condition in (*OF_WHAT_WAS_SEEN, *anew):
            wanted[condition] = [Wanted(number, condition) for number in tried]
        if self.has_face_model and not self._is_small and not self.settings.quick:
            wanted[FLASH] = [Wanted(number, FLASH) for number in range(flash_count())]
        return self._make(self.settings.what, wanted, "clips")

    def _find_lips(self) -> tuple[str, list[Wanted]] | None:
        """Which lip movements, of which source, were asked for."""
        where = self.settings.lips
        if where is None:
            self.notes.append(f"lip movements: ask for them with --lips {MADE}, or --lips FOLDER")
            return None
        if where == MADE:
            every = QUICK_EVERY if self.settings.quick else 1
            numbers = [i for i in range(LIPS_PLAN.count) if i // WORDS_A_SUBJECT % every == 0]
            return self.settings.what, [Wanted(number, LIPS) for number in numbers]
        source, name = open_sequences(where)
        if not isinstance(source, Corpus) or not all(f"/{LIPS}/" in one for one in source.names):
            raise InvalidValueError("--lips", where, f"`{MADE}`, or a corpus of the scenario `{LIPS}`; {name} is none")
        return where, [Wanted(number) for number in range(len(source))]

    def _make(self, what: str, wanted: dict[str, list[Wanted]], title: str) -> dict[str, Clips]:
        task = self._progress.add_task(title, total=sum(map(len, wanted.values())))
        is_made_anew = any(one.condition in (*MADE_ANEW, FLASH, LIPS) for some in wanted.values() for one in some)
        origin = Origin(what, is_made_anew, self.settings.face_model)
        return make_clips(origin, wanted, lambda done: self._progress.advance(task, done))

    def _portrait(self, judge: Judge) -> list[dict[str, Any]]:
        """Two motions of it, behind the real detector."""
        if not self.settings.portrait:
            self.notes.append("the animated portrait behind the real detector: ask for it with --portrait")
            return []
        advance = self._bar("portrait", len(PORTRAIT_MOTIONS) * PORTRAIT_REPETITIONS)
        try:
            with closing(ClipMaker()) as maker:
                shown = portrait_clips(maker, advance=lambda: advance(1))
        except (MissingDependencyError, DetectorError) as error:
            self.notes.append(f"the animated portrait behind the real detector: {error}")
            return []
        return judge.portrait(shown)

    def _cost(self, clips: Clips) -> list[dict[str, Any]]:
        if not self.encoders:
            return []
        found = times_s(self.encoders, clips.all[0], self._rounds)
        return [cost_row(one.bundle, *times) for one, times in zip(self.encoders, found, strict=True)]

    def _find_face_model(self) -> bool:
        """Notes what cannot be made without one; refuses to make lip movements."""
        try:
            face_model_path(self.settings.face_model)
        except FaceModelMissingError as error:
            if self.settings.lips == MADE:
                raise
            missing = ", ".join(MADE_ANEW)
            self.notes.append(f"{missing}, pairs of flash motions: {error}")
            return False
        return True

    @property
    def _is_small(self) -> bool:
        return self.settings.what == SMALL

    def _is_taken(self, name: str) -> bool:
        """Whether it is of a subject that is looked at; an imitation is of the next subject's motion."""
        block, subject, *_ = name.split("/")
        is_all = self._is_small or not self.settings.quick
        return is_all or (int(subject) + (block == IMITATED)) % QUICK_EVERY == 0

    def _bar(self, what: str, total: int) -> Callable[[int], None]:
        task = self._progress.add_task(what, total=total)
        return lambda done: self._progress.advance(task, done)


def encoders(models: tuple[str, ...]) -> list[Encoder]:
    """The bundles named, or all shipped ones of the task; of both the default first."""
    found = []
    for folder in bundle_folders(models):
        bundle = load_bundle(folder)
        if models or bundle.manifest.task == TASK:
            found.append(Encoder(bundle))
    return sorted(found, key=lambda one: one.name != DEFAULT)
