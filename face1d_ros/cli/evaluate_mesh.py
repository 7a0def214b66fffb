"""`face1d evaluate mesh`: coefficients, meshes and head pose on the synthetic test set, beside closed form."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.progress import Progress

from face1d_ros.cli.bundle_folders import bundle_folders
from face1d_ros.cli.options import FACE_MODEL
from face1d_ros.cli.tables import print_measurement
from face1d_ros.engines.bundle import Bundle, load_bundle
from face1d_ros.engines.selection import on_the_cpu
from face1d_ros.errors import InvalidValueError
from face1d_ros.evaluate.measurement import Measurement, conditions
from face1d_ros.evaluate.mesh import MeshModel, Shown, judge, shown
from face1d_ros.evaluate.mesh_models import Network, ridge
from face1d_ros.evaluate.mesh_report import CLOSED_FORM, row_of, targets
from face1d_ros.geometry.mesh_alignment import Aligned
from face1d_ros.synth.corpus.fixed_sets import SMALL, load_small_test_set
from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.synth.faces.model import load_face_model
from face1d_ros.synth.faces.point_model import point_model
from face1d_ros.synth.sequence import Sequence

BLOCK = "mesh/"
DEFAULT = "mesh_478"
VERTICES_EVERY = 4
RATE_HZ = 30.0
TIMED_FRAMES, QUICK_FRAMES, QUICK_SEQUENCES = 150, 20, 2


@click.command("mesh")
@click.argument("what", default=SMALL)
@click.option("--models", multiple=True, metavar="NAME", help="A mesh bundle; again for more. [all shipped]")
@click.option("--json", "path", type=click.Path(dir_okay=False), help="Write the measurement to this file.")
@click.option("--quick", is_flag=True, help="A part of the sequences: to see that it works.")
@FACE_MODEL
def command(what: str, models: tuple[str, ...], path: str | None, quick: bool, face_model: Path | None) -> None:
    """Compare mesh networks with ridge regression, all from the same landmarks through the true camera.

    WHAT is `small`, the test set that ships with the package, or the folder of a corpus that `face1d synth make FOLDER
    --test-set synthetic-test-v1` wrote (its part `general`). Sequences of the block `mesh` count. It needs the face
    model that the sequences were made with.
    """
    model = load_face_model(face_model)
    points = point_model(model)
    source = load_small_test_set() if what == SMALL else Corpus(what)
    sequences = [one for one in source if one.name.startswith(BLOCK)][: QUICK_SEQUENCES if quick else None]
    if not sequences:
        raise InvalidValueError("WHAT", what, f"a test set with sequences of the block {BLOCK}")
    bundles = [one for one in map(load_bundle, bundle_folders(models)) if one.manifest.task == "mesh"]
    chosen = np.arange(0, len(model.mean_mm), VERTICES_EVERY)
    rows = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("mesh", total=len(sequences) * (1 + len(bundles)))

        def measured(name: str, contender: MeshModel) -> dict[str, Any]:
            judged = []
            for sequence in sequences:
                judged.append(judge(contender, sequence, model, chosen))
                progress.advance(bar)
            row = row_of(name, judged, points.expression_names, len(model.mean_mm))
            return row | {"p50_ms": _p50_ms(contender, sequences[0], QUICK_FRAMES if quick else TIMED_FRAMES)}

        rows.append(measured(CLOSED_FORM, ridge(points)))
        rows.extend(_of_bundle(bundle, measured) for bundle in bundles)
    ours = next((row for row in rows if row["model"] == DEFAULT), None)
    under = conditions(
        sequences=len(sequences),
        data="synthetic",
        what=what,
        landmarks="as the detector gives them, not smoothed",
        camera="the true one",
        not_measured="asymmetry" if ours else f"asymmetry, and all of {DEFAULT}: there is no such bundle",
    )
    measurement = Measurement("evaluate mesh", under, rows, targets(ours, rows[0]))
    print_measurement(measurement, f"Meshes of {len(sequences)} synthetic sequences")
    click.echo(f"not measured: {under['not_measured']}")
    if path:
        measurement.write_json(path)
        click.echo(f"wrote {path}")


def _of_bundle(bundle: Bundle, measured: Any) -> dict[str, Any]:
    with closing(on_the_cpu(bundle)) as engine:
        row: dict[str, Any] = measured(bundle.manifest.name, Network(engine))
        return row | {"size_mb": bundle.size_bytes / 1e6}


def _p50_ms(contender: MeshModel, sequence: Sequence, frames: int) -> float:
    """Median time of a frame by itself at 30 Hz, with sleeps between; the alignment, equal for all, is left out."""
    given, _ = shown(sequence)
    single = [_frame(given, index % len(given.dt_s)) for index in range(frames)]
    contender(single[0])
    times_s, began_s = [], time.perf_counter()
    for index, one in enumerate(single):
        time.sleep(max(0.0, began_s + index / RATE_HZ - time.perf_counter()))
        started_s = time.perf_counter()
        contender(one)
        times_s.append(time.perf_counter() - started_s)
    return float(1e3 * np.median(times_s))


def _frame(given: Shown, index: int) -> Shown:
    part, pose = slice(index, index + 1), given.aligned.pose
    one = type(pose)(pose.scale[part], pose.rotation[part], pose.translation[part])
    return Shown(Aligned(given.aligned.points_cm[part], one), given.confidence[part], given.dt_s[part])
