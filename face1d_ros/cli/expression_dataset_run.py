"""Runs the protocol of expression datasets, with progress: detection, a training for each fold, figures."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from face1d_ros.cli.interrupts import between, interrupted_between_frames
from face1d_ros.detect.quiet_start import quiet_start
from face1d_ros.errors import DatasetFileError, DatasetMissingError, TrainingError
from face1d_ros.evaluate.measurement import Measurement, conditions

if TYPE_CHECKING:
    from face1d_ros.datasets.base import RealSequence
    from face1d_ros.evaluate.expression_datasets import Answered, Part, Turn
    from face1d_ros.evaluate.expression_windows import Features, Windows
    from face1d_ros.evaluate.smoothing_tracks import Observations

CACHE_HELP = (
    "Folder in which the landmarks that are detected stay, so that a second run does not detect again. Landmarks of "
    "faces are personal data: delete the folder when they are no longer needed.  [default: none are kept]"
)


class _Work:
    """One run: what was seen, and what was left out."""

    def __init__(self, given: str, steps: int, progress: Progress) -> None:
        self.given, self.steps, self.progress = given, steps, progress
        self.names: tuple[str, ...] = ()
        self.left_out: dict[str, list[tuple[str, str]]] = {}
        """By part: subject, and which sequence and why."""
        self.facts: dict[str, Any] = {}

    def windows(self, parts: Sequence[Part], cache: Path | None, partial: bool) -> Windows:
        """Of all sequences in which a face is seen."""
        from face1d_ros.evaluate.dataset_landmarks import SeenFaces
        from face1d_ros.evaluate.expression_windows import FeatureReader, Windows

        digest, found = hashlib.sha256(), []
        with quiet_start():
            seen = SeenFaces(cache, partial=partial)
        with closing(seen), closing(FeatureReader(self.given)) as reader, interrupted_between_frames() as check:
            self.names = reader.names
            for part in parts:
                task = self.progress.add_task(f"faces of {part.name}", total=len(part.sequences))
                self.left_out[part.name] = [(part.subject_of(one), f"{one.name}: {one.damage}") for one in part.damaged]
                for sequence in between(part.sequences, check):
                    faces = seen.of(part.dataset_name, sequence)
                    digest.update(f"{part.name} {sequence.name} {sequence.label} {len(faces.stamps_ns)}\n".encode())
                    made = _windows_of(sequence, part, faces, reader.of(faces), partial=partial)
                    if isinstance(made, str):
                        self.left_out[part.name].append((part.subject_of(sequence), f"{sequence.name}: {made}"))
                    else:
                        found.append(made)
                    self.progress.advance(task)
                self._tell(f"{part.name}: {self._seen_words(part)}")
        self.facts = {
            "detector": seen.model,
            "detected": seen.detected,
            "taken_from_cache": seen.taken,
            "skipped": seen.skipped,
            "data_sha256": digest.hexdigest(),
        }
        return Windows.joined(found, len(self.names))

    def rows(self, all_turns: Sequence[Turn], windows: Windows) -> list[dict[str, Any]]:
        """Of each training, and of all folds of an experiment after its last."""
        from face1d_ros.evaluate.expression_datasets import ACROSS, fold_row, summary_rows

        rows: list[dict[str, Any]] = []
        task = self.progress.add_task("training", total=len(all_turns) * self.steps)
        for experiment in dict.fromkeys(turn.experiment for turn in all_turns):
            its = [turn for turn in all_turns if turn.experiment == experiment]
            given = []
            for number, turn in enumerate(its, start=1):
                given.append(self._answered(turn, windows, task))
                row = fold_row(turn, given[-1], self._left_out_of(turn))
                rows.append(row)
                self._tell(f"{experiment}: {number} of {len(its)} trained, accuracy {_told(row['accuracy'])}")
            if experiment != ACROSS:
                left_out = {part: len(self.left_out.get(part, ())) for part in its[0].test_parts}
                rows += summary_rows(experiment, given, its[0].labels, left_out)
        return rows

    def _answered(self, turn: Turn, windows: Windows, task: Any) -> Answered:
        from face1d_ros.evaluate.expression_datasets import Answered
        from face1d_ros.train.expression_folds import answers, fold_recipe, numbers_of, train_fold

        labelled = [label in turn.labels for label in windows.labels]
        held_out = [subject in turn.test_subjects for subject in windows.subjects]
        to_learn = windows.chosen(
            known and not out and part in turn.train_parts
            for known, out, part in zip(labelled, held_out, windows.parts, strict=True)
        )
        to_test = windows.chosen(
            known and out and part in turn.test_parts
            for known, out, part in zip(labelled, held_out, windows.parts, strict=True)
        )
        if not len(to_learn):
            raise TrainingError(
                f"{turn.experiment}: no sequence with a face is left to learn from; see what is in them"
            )
        recipe = fold_recipe(self.given, len(turn.labels), self.steps)
        with TemporaryDirectory(prefix="face1d_fold_") as folder:
            network = train_fold(
                recipe,
                to_learn,
                turn.labels,
                self.names,
                Path(folder),
                lambda _: self.progress.advance(task),
            )
        return Answered(
            numbers_of(to_test, turn.labels), answers(network, to_test, turn.labels), to_test.subjects, to_test.parts
        )

    def _left_out_of(self, turn: Turn) -> int:
        return sum(
            subject in turn.test_subjects for part in turn.test_parts for subject, _ in self.left_out.get(part, ())
        )

    def _seen_words(self, part: Part) -> str:
        lost = len(self.left_out.get(part.name, ()))
        return f"{len(part) - lost} of {len(part)} sequences with a face"

    def _tell(self, line: str) -> None:
        self.progress.console.print(line, highlight=False, markup=False)


def run_datasets(
    names: Sequence[str],
    roots: Sequence[Path],
    given: str,
    cache: Path | None,
    steps: int,
    console: Console,
    *,
    partial: bool = False,
) -> Measurement:
    """Ten folds of people, of each of the datasets' parts, or of several datasets together and across.

    `names` are ck+, mmi, oulu-casia (which is its two parts, each by itself), or with a split, as oulu-casia:vl-dark.
    `given` is what the network reads, mesh or landmarks. Progress goes to the console.
    """
    from face1d_ros.evaluate.expression_datasets import open_parts, turns
    from face1d_ros.evaluate.expression_windows import APART_S, LOOKS
    from face1d_ros.train.expression_folds import fold_recipe

    with console.status("looking at the files"):
        parts = open_parts(names, roots, partial=partial)
    all_turns = turns(parts, composite=len(names) > 1)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        work = _Work(given, steps, progress)
        windows = work.windows(parts, cache, partial)
        _check_seen(parts, windows)
        rows = work.rows(all_turns, windows)
    under = conditions(
        seed=fold_recipe(given, 1, steps).seed,
        data="real",
        datasets=[part.name for part in parts],
        input=given,
        partial=partial,
        sequences={part.name: len(part) for part in parts},
        people={part.name: len(part.subjects) for part in parts},
        left_out=[f"{part} {line}" for part, lines in work.left_out.items() for _, line in lines],
        looks=f"{LOOKS}, {APART_S:g} s apart",
        recipe=fold_recipe(given, 1, steps).to_json(),
        folds="subjects by name, each fold every tenth; nobody in two",
        accuracy_of="windows at the apex of sequences with a face; an answer of neutral is a wrong one",
        **work.facts,
    )
    return Measurement("evaluate expression", under, rows)


def _windows_of(
    sequence: RealSequence, part: Part, faces: Observations, features: Features, *, partial: bool
) -> Windows | str:
    """In words, why there are none; what is damaged is no reason unless `partial`."""
    from face1d_ros.evaluate.expression_datasets import ENDS_AT_APEX
    from face1d_ros.evaluate.expression_windows import windows_of

    ends_there = part.dataset_name in ENDS_AT_APEX
    try:
        return windows_of(sequence, part.name, part.subject_of(sequence), faces, features, ends_at_apex=ends_there)
    except DatasetFileError as error:
        if not partial:
            raise
        return str(error)


def _check_seen(parts: Sequence[Part], windows: Windows) -> None:
    for part in parts:
        if part.name not in windows.parts:
            problem = f"shows no face from rest to apex in any of {len(part.sequences)} sequences"
            raise DatasetMissingError(part.dataset_name, part.dataset.root, problem, part.dataset.card.where)


def _told(accuracy: float | None) -> str:
    return "not known" if accuracy is None else f"{100.0 * accuracy:.1f} %"
