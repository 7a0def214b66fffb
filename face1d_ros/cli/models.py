"""`face1d models`: the model bundles, their figures and where they come from."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich import box
from rich.padding import Padding
from rich.progress import track
from rich.table import Table
from rich.text import Text

from face1d_ros.cli.bundle_folders import bundle_folders
from face1d_ros.cli.models_wrap import command as wrap_command
from face1d_ros.cli.tables import rows_table, shown, wide_console
from face1d_ros.engines.bundle import TOLERANCE, Bundle, accept, load_bundle
from face1d_ros.engines.manifest import Manifest, TensorSpec
from face1d_ros.engines.selection import on_the_cpu
from face1d_ros.errors import BundleError, EngineError, MissingDependencyError
from face1d_ros.evaluate.measurement import Measurement, Row
from face1d_ros.evaluate.verdicts import TABLE_7, judge

NONE = "this version ships no model bundles; MediaPipe carries its own models"


@click.group("models", invoke_without_command=True)
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Bundles in this folder, instead of those that come with the package.",
)
@click.pass_context
def command(context: click.Context, folder: Path | None) -> None:
    """List the model bundles: what each is for, its size, its figures, and what it was trained on."""
    context.obj = folder
    if context.invoked_subcommand is not None:
        return
    console = wide_console()
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("model", "version", "for", "precision", "parameters", "M MAC", "MB", "trained on", "licence"):
        table.add_column(heading, justify="right" if heading in ("parameters", "M MAC", "MB") else "left")
    problems, conditions = [], []
    for path in bundle_folders((), folder):
        try:
            bundle = load_bundle(path)
        except BundleError as error:
            problems.append(str(error))
            continue
        table.add_row(*_row(bundle))
        conditions.append(_figures_line(bundle.manifest))
    if table.row_count:
        console.print(table)
    for line in conditions:
        console.print(line, highlight=False, markup=False)
    for problem in problems:
        console.print(Text.assemble(("refused  ", "red bold"), problem))
    if not table.row_count and not problems:
        console.print(_none(folder), highlight=False)
    sys.exit(1 if problems else 0)


@command.command("show")
@click.argument("name")
@click.pass_obj
def show(folder: Path | None, name: str) -> None:
    """Show all that a bundle says of itself, and the review's seven verdicts on it. NAME is a model or a folder."""
    (path,) = bundle_folders((name,), folder)
    bundle = load_bundle(path)
    manifest, console = bundle.manifest, wide_console()
    console.print(f"[bold]{manifest.name}[/] {manifest.version}", highlight=False)
    console.print(Padding(_facts(bundle), (0, 0, 1, 2)))
    console.print(_tensors(manifest))
    if manifest.figures:
        figures: list[Row] = [{"figure": key, "value": value} for key, value in manifest.figures.items()]
        console.print(rows_table(Measurement("", {}, figures), "Figures"))
    console.print(rows_table(Measurement("", {}, _verdicts(bundle)), "Verdicts (review, Table 7)"))


@command.command("verify")
@click.argument("names", nargs=-1)
@click.pass_obj
def verify(folder: Path | None, names: tuple[str, ...]) -> None:
    """Load bundles strictly and run their golden inputs on the CPU. Ends with 1 if one is refused.

    NAMES are models or folders; all that come with the package without any.
    """
    console, failed = wide_console(), False
    paths = bundle_folders(names, folder)
    for path in track(paths, "verifying", transient=True, disable=not sys.stdout.isatty()):
        try:
            bundle = load_bundle(path)
            engine = on_the_cpu(bundle)
            error = accept(bundle, engine)
            engine.close()
        except (BundleError, EngineError, MissingDependencyError) as problem:
            failed = True
            console.print(Text.assemble(("refused  ", "red bold"), str(problem)))
            continue
        tolerance = TOLERANCE[bundle.manifest.precision]
        line = f"{path.name}: sha256 {bundle.manifest.sha256[:12]}…, golden run within {error:.2g} of {tolerance:g}"
        console.print(Text.assemble(("ok       ", "green"), line))
    if not paths:
        console.print(_none(folder), highlight=False)
    sys.exit(1 if failed else 0)


command.add_command(wrap_command)


def _none(folder: Path | None) -> str:
    return f"no model bundles in {folder}" if folder else NONE


def _row(bundle: Bundle) -> list[str]:
    manifest = bundle.manifest
    return [
        manifest.name,
        manifest.version,
        manifest.task,
        manifest.precision,
        f"{manifest.parameters:,}",
        shown(manifest.mac / 1e6),
        shown(bundle.size_bytes / 1e6),
        manifest.trained_on,
        manifest.licence,
    ]


def _figures_line(manifest: Manifest) -> str:
    figures = ", ".join(f"{key} {shown(value)}" for key, value in manifest.figures.items()) or "no figures"
    return f"{manifest.name}: {figures} ({manifest.conditions}); not measured: {manifest.not_measured}"


def _facts(bundle: Bundle) -> Table:
    manifest = bundle.manifest
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    facts = {
        "for": manifest.task,
        "size": f"{manifest.parameters:,} parameters, {bundle.size_bytes / 1e6:.3g} MB, {manifest.precision}",
        "work": f"{manifest.mac / 1e6:.3g} M multiply-accumulates a face and frame",
        "normalisation": manifest.normalisation,
        "settings": ", ".join(f"{key}: {value}" for key, value in manifest.settings.items()),
        "trained on": manifest.trained_on,
        "data": manifest.data,
        "seed": str(manifest.seed),
        "made by": manifest.command,
        "conditions": manifest.conditions,
        "not measured": manifest.not_measured,
        "licence": manifest.licence,
        "sources": manifest.source,
        "sha256": manifest.sha256,
        "folder": str(bundle.path),
    }
    for key, value in facts.items():
        if value:
            table.add_row(key, Text(value))
    return table


def _tensors(manifest: Manifest) -> Table:
    carried = {memory.input: memory.output for memory in manifest.memory}

    def row(kind: str, spec: TensorSpec) -> dict[str, str]:
        meaning = f"{spec.meaning} (memory, from {carried[spec.name]})" if spec.name in carried else spec.meaning
        shape = " × ".join(str(size) for size in spec.shape)
        return {"": kind, "name": spec.name, "type": spec.dtype, "shape": shape, "meaning": meaning}

    rows = [row("in", spec) for spec in manifest.inputs] + [row("out", spec) for spec in manifest.outputs]
    return rows_table(Measurement("", {}, rows), "Inputs and outputs")


def _verdicts(bundle: Bundle) -> list[dict[str, str | float | bool | None]]:
    """Of the figures that bear a verdict's name, and of what the bundle's size and work are."""
    manifest = bundle.manifest
    known = {criterion.key for criterion in TABLE_7}
    values = {key: value for key, value in manifest.figures.items() if key in known}
    values |= {"mflop": 2 * manifest.mac / 1e6, "size_mb": bundle.size_bytes / 1e6}
    data = "real" if manifest.trained_on == "real" else "synthetic"
    return [verdict.as_row() for verdict in judge(values, data=data, conditions=manifest.conditions)]
