"""Which mesh models are compared, and the stage of each."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

from face1d_ros.cli.bundle_folders import bundle_folders
from face1d_ros.config import MeshConfig
from face1d_ros.engines.bundle import Bundle, load_bundle
from face1d_ros.errors import InvalidValueError
from face1d_ros.evaluate.mesh_models import RIDGE as SETTINGS
from face1d_ros.evaluate.mesh_models import ClosedFormStage, RidgeSetting, ridge
from face1d_ros.evaluate.mesh_prior import maximum_a_posteriori
from face1d_ros.evaluate.mesh_report import CLOSED_FORM, MAP, RIDGE, Contender
from face1d_ros.evaluate.mesh_tracks import RAW, SMOOTHED
from face1d_ros.stages.base import Stage
from face1d_ros.stages.mesh import MeshStage
from face1d_ros.stages.mesh_model import DEFAULT, TASK, basis_of
from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.synth.faces.point_model import PointModel


def networks(models: tuple[str, ...], points: PointModel) -> tuple[Contender, ...]:
    """The bundles named, or all shipped ones, that read this face model's coefficients from its landmarks."""
    found = []
    for folder in bundle_folders(models):
        bundle = load_bundle(folder)
        problem = _problem(bundle, points)
        if not problem:
            found.append(Contender.of(bundle))
        elif models:
            expected = f"mesh models of {int(points.topology)} landmarks and {points.source_name}"
            raise InvalidValueError("--models", f"{bundle.manifest.name}: {problem}", expected)
    return tuple(found)


def default_of(contenders: tuple[Contender, ...], is_named: bool) -> Contender | None:
    """The one that the node takes by itself; of those named, where it is not among them, the first."""
    shipped = next((one for one in contenders if one.name == DEFAULT), None)
    return shipped or (contenders[0] if is_named and contenders else None)


def closed_forms(
    points: PointModel, training: Path | None, smoothing: Stage | None, sequences: int, advance: Callable[[], None]
) -> dict[str, ClosedFormStage]:
    """Ridge, and MAP where there is a corpus to take covariances from, of so many sequences."""
    setting = ridge_setting(smoothing)
    found = {RIDGE: ClosedFormStage(RIDGE, ridge(points, setting), points)}
    if training is not None:
        fitter = maximum_a_posteriori(Corpus(training), points, smoothing, setting.others, sequences, advance)
        found[MAP] = ClosedFormStage(MAP, fitter, points)
    return found


def ridge_setting(smoothing: Stage | None) -> RidgeSetting:
    """The best for what is given."""
    return SETTINGS[RAW if smoothing is None else SMOOTHED]


def stage_of(contender: Contender, opened: ExitStack) -> MeshStage:
    """As the node would make it."""
    if contender.kind == CLOSED_FORM or contender.bundle is None:
        raise InvalidValueError("contender", contender.name, "a network")
    return opened.enter_context(closing(MeshStage(MeshConfig(model=str(contender.bundle.path)))))


def _problem(bundle: Bundle, points: PointModel) -> str:
    """Why a bundle cannot be compared; empty if it can."""
    if bundle.manifest.task != TASK:
        return f"a model for {bundle.manifest.task}"
    basis = basis_of(bundle)
    if basis.topology is not points.topology:
        return f"{int(basis.topology)} landmarks"
    return "" if basis.name == points.source_name else f"coefficients of {basis.name}"
