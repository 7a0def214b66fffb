"""The parts of `face1d evaluate mesh`, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rich.progress import Progress

from face1d_ros.cli.mesh_contenders import closed_forms, default_of, networks, ridge_setting, stage_of
from face1d_ros.cli.mesh_input import check_face_model, mesh_sequences, smoothing_of
from face1d_ros.cli.smoothing_run import open_sequences
from face1d_ros.cli.smoothing_timing import RATE_HZ, paced_times_s
from face1d_ros.errors import DetectorError, MissingDependencyError
from face1d_ros.evaluate import real_smoothing
from face1d_ros.evaluate.asymmetry import AsymmetryFigures, asymmetry_figures
from face1d_ros.evaluate.group_studies import grouped_rows
from face1d_ros.evaluate.groups import read_groups
from face1d_ros.evaluate.measurement import Measurement, conditions
from face1d_ros.evaluate.mesh import FRAME, SAMPLES, SPANS_S, VERTICES_EVERY, Judged, TrueFaces, judge
from face1d_ros.evaluate.mesh_models import ClosedFormStage
from face1d_ros.evaluate.mesh_report import (
    CLOSED_FORM,
    RIDGE,
    Contender,
    asymmetry_row,
    capture_rows,
    coefficient_rows,
    model_row,
    sequence_rows,
    targets,
    verdict_rows,
)
from face1d_ros.evaluate.mesh_tracks import ROUGH, SMOOTHED, mesh_track, rough, steadied
from face1d_ros.evaluate.real_mesh import RENDERED, Curves, captured_curves, clip_figures, clip_track, rendered
from face1d_ros.evaluate.smoothing_tracks import synthetic_track
from face1d_ros.stages.mesh import MeshStage
from face1d_ros.synth.faces.model import FaceModel, load_face_model
from face1d_ros.synth.faces.point_model import point_model
from face1d_ros.synth.motion.capture import read_capture
from face1d_ros.synth.noise.observe import load_noise_model
from face1d_ros.types import Topology

QUICK_SEQUENCES, QUICK_RENDERED = 2, 1
TRAINING_SEQUENCES, QUICK_TRAINING_SEQUENCES = 240, 12
"""Whose covariances MAP takes."""
TIMED_FRAMES, QUICK_TIMED_FRAMES = 200, 20


@dataclass(frozen=True)
class Settings:
    """What was asked for."""

    what: str
    models: tuple[str, ...] = ()
    input: str = SMOOTHED
    training: Path | None = None
    capture: Path | None = None
    clips: Path | None = None
    quick: bool = False
    groups: Path | None = None
    """Of sequences, for figures by group."""


@dataclass(frozen=True, eq=False)
class Run:
    """What came out."""

    name: str
    face: FaceModel
    default: Contender | None
    judged: dict[str, list[Judged]]
    """By model, a sequence after the other."""
    curves: tuple[Curves, ...]
    """Of the default."""
    asymmetry: AsymmetryFigures | None
    measurement: Measurement
    notes: tuple[str, ...]
    """What was not measured, and why."""


class Runner:
    """Holds what all parts need."""

    def __init__(self, settings: Settings, face_model: Path | None, progress: Progress, opened: ExitStack) -> None:
        """`opened` closes the stages."""
        self.settings, self._progress = settings, progress
        self.groups = read_groups(settings.groups) if settings.groups else None
        self.face = load_face_model(face_model)
        self.points = point_model(self.face)
        self.source, self.name = open_sequences(settings.what)
        check_face_model(self.source, self.points)
        self.sequences = mesh_sequences(self.source, settings.what, QUICK_SEQUENCES if settings.quick else None)
        if self.groups is not None:
            self.groups.check([sequence.name for sequence in self.sequences])
        self.smoothing = smoothing_of(settings.input, opened)
        found = networks(settings.models, self.points)
        self.default = default_of(found, bool(settings.models))
        count = QUICK_TRAINING_SEQUENCES if settings.quick else TRAINING_SEQUENCES
        advance = self._bar("training data", count if settings.training else 0)
        self.stages: dict[str, MeshStage] = dict(
            closed_forms(self.points, settings.training, self.smoothing, count, advance)
        )
        self.contenders = (*(Contender(name, CLOSED_FORM) for name in self.stages), *found)
        self.stages |= {one.name: stage_of(one, opened) for one in found}

    def run(self) -> Run:
        """All of it."""
        (judged, roughened), times_s = self._judged(), self._times_s()
        notes = [] if self.settings.training else ["MAP: name training data with --training"]
        if self.default is None:
            notes.append("any network: none comes with this version; name bundles with --models")
        names, vertices = self.sequences[0].expression_names, len(self.face.mean_mm)
        rows = [
            model_row(one, judged[one.name], roughened[one.name], names, vertices, times_s[one.name])
            for one in self.contenders
        ]
        every = [*rows, *verdict_rows(rows)]
        for one in self.contenders:
            every += coefficient_rows(one.name, judged[one.name], names)
            every += sequence_rows(one.name, [sequence.name for sequence in self.sequences], judged[one.name])
        if self.groups is not None:
            every += grouped_rows(self.groups, every)
        curves = self._captured(every, notes)
        self._clips(every, notes)
        asymmetry = self._asymmetry(every, notes)
        by_name = {row["model"]: row for row in rows}
        ours = None if self.default is None else by_name[self.default.name]
        measured = Measurement("evaluate mesh", self._under(notes), every, targets(ours, by_name[RIDGE], asymmetry))
        return Run(self.name, self.face, self.default, judged, curves, asymmetry, measured, tuple(notes))

    def _judged(self) -> tuple[dict[str, list[Judged]], dict[str, list[Judged]]]:
        """Each model on all sequences, and on the same with errors that the noise model has not."""
        advance = self._bar("meshes", 2 * len(self.sequences) * len(self.stages))
        plain: dict[str, list[Judged]] = {name: [] for name in self.stages}
        roughened: dict[str, list[Judged]] = {name: [] for name in self.stages}
        for sequence in self.sequences:
            truth = TrueFaces(self.face, sequence)
            for found, observed, spans in ((plain, None, SPANS_S), (roughened, rough(sequence), (FRAME,))):
                track = mesh_track(sequence, self.smoothing, observed)
                for name, stage in self.stages.items():
                    if isinstance(stage, ClosedFormStage):
                        stage.fits.learn(track)
                    found[name].append(judge(stage, track, truth, spans))
                    advance()
        return plain, roughened

    def _times_s(self) -> dict[str, list[float]]:
        """Networks in turn within each frame's time; closed form takes too much of it, and runs alone."""
        frames = QUICK_TIMED_FRAMES if self.settings.quick else TIMED_FRAMES
        track = synthetic_track(self.sequences[0], Topology.MESH_478)
        if self.smoothing is not None:
            track = replace(track, frames=steadied(track.frames, self.smoothing))
        alone = [[name] for name, stage in self.stages.items() if isinstance(stage, ClosedFormStage)]
        together = [name for name, stage in self.stages.items() if not isinstance(stage, ClosedFormStage)]
        advance = self._bar("timing at 30 Hz", frames * (len(alone) + bool(together)))
        found: dict[str, list[float]] = {}
        for group in (*alone, together):
            stages = [self.stages[name] for name in group]
            for stage in stages:
                stage.set_camera(None)
                if isinstance(stage, ClosedFormStage):
                    stage.fits.learn(None)
            if stages:
                found |= dict(zip(group, paced_times_s(stages, track, frames, advance), strict=True))
        return found

    def _captured(self, rows: list[dict[str, Any]], notes: list[str]) -> tuple[Curves, ...]:
        """On a real capture; the default's curves."""
        if self.settings.capture is None:
            notes.append("a real capture: name one with --capture")
            return ()
        capture = read_capture(self.settings.capture)
        count = QUICK_RENDERED if self.settings.quick else RENDERED
        advance = self._bar("capture", count * len(self.stages))
        curves: dict[str, list[Curves]] = {name: [] for name in self.stages}
        for sequence in rendered(capture, self.points, load_noise_model(), count):
            track = mesh_track(sequence, self.smoothing)
            for name, stage in self.stages.items():
                if isinstance(stage, ClosedFormStage):
                    stage.fits.learn(track)
                curves[name].append(captured_curves(stage, sequence, track))
                advance()
        for name, found in curves.items():
            rows += capture_rows(name, found)
        return tuple(curves[self.default.name if self.default else RIDGE])

    def _clips(self, rows: list[dict[str, Any]], notes: list[str]) -> None:
        """On videos of the user."""
        if self.settings.clips is None:
            notes.append("real video: name a folder of videos with --clips")
            return
        paths = real_smoothing.clips(self.settings.clips)
        advance = self._bar("videos", len(paths))
        for path in paths:
            try:
                recorded = real_smoothing.record_clip(path, Topology.MESH_478)
            except (MissingDependencyError, DetectorError) as error:
                notes.append(f"anything behind the real detector: {error}")
                return
            if isinstance(recorded, str):
                notes.append(recorded)
                continue
            track = clip_track(recorded, self.smoothing)
            for name, stage in self.stages.items():
                if isinstance(stage, ClosedFormStage):
                    stage.fits.learn(None)
                figures = clip_figures(stage, recorded, track)
                rows.append({"part": "clip", "recording": path.name, "model": name, **figures})
            advance()

    def _asymmetry(self, rows: list[dict[str, Any]], notes: list[str]) -> AsymmetryFigures | None:
        """Left and right."""
        if self.settings.quick:
            notes.append("asymmetry: left out by --quick")
            return None
        figures = asymmetry_figures(self.source, self._bar("asymmetry", None))
        rows.append(asymmetry_row(figures))
        return figures

    def _under(self, notes: list[str]) -> dict[str, Any]:
        """The conditions that are written."""
        return conditions(
            data="synthetic",
            test_set=self.name,
            landmarks=478,
            sequences=len(self.sequences),
            input="behind the default smoothing stage" if self.smoothing else "as the detector gives them",
            asymmetry="always behind the default smoothing stage",
            camera="the true one",
            size="each mesh at the true distance of the outer eye corners at rest, but for own_size_mm",
            samples=f"{SAMPLES} frames of each sequence; every {VERTICES_EVERY}th vertex against the whole surface",
            rough=f"each point besides off by itself, by {ROUGH:.2%} of the face's size, always in the same way",
            default=self.default.name if self.default else None,
            ridge=asdict(ridge_setting(self.smoothing)),
            timed=f"the mesh stage, one face, {RATE_HZ:g} Hz with sleeps between; networks in turn, closed form alone",
            quick=self.settings.quick,
            not_measured=notes,
        )

    def _bar(self, name: str, total: int | None) -> Callable[[], None]:
        task = self._progress.add_task(name, total=total)
        return lambda: self._progress.advance(task)


def measure(settings: Settings, face_model: Path | None, progress: Progress) -> Run:
    """All of it."""
    with ExitStack() as opened:
        return Runner(settings, face_model, progress, opened).run()
