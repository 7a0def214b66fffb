"""`face1d evaluate all`: every task measured, and the review's tables with our rows beside the published ones."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from face1d_ros.cli.evaluate_all_run import FAILED, Outcome, run_steps
from face1d_ros.cli.evaluate_all_steps import SYNTHETIC, Wishes, measurements, steps
from face1d_ros.cli.options import FACE_MODEL, GROUPS
from face1d_ros.cli.tables import shown, wide_console
from face1d_ros.errors import InvalidValueError
from face1d_ros.evaluate.measurement import write_whole
from face1d_ros.evaluate.results import NAME, results, write
from face1d_ros.evaluate.results_page import markdown, page

OUT = "face1d_evaluation"


class _Root(click.ParamType):
    """NAME=FOLDER."""

    name = "name=folder"

    def convert(
        self, value: str | tuple[str, Path], _: click.Parameter | None, __: click.Context | None
    ) -> tuple[str, Path]:
        """Refuses what has no folder behind its name."""
        if isinstance(value, tuple):
            return value
        name, sign, folder = value.partition("=")
        if not sign or not name or not folder:
            self.fail(f"got {value!r}, expected NAME=FOLDER, such as 300vw=/data/300vw")
        return name, Path(folder).expanduser()


@click.command("all")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=OUT, show_default=True)
@click.option("--only", multiple=True, type=click.Choice(SYNTHETIC), help="One of the measurements; again for more.")
@click.option("--quick", is_flag=True, help="A part of the sequences and frames: to see that it works.")
@click.option("--anew", is_flag=True, help="Measure again what was kept.")
@click.option(
    "--root",
    "roots",
    multiple=True,
    type=_Root(),
    help="A real dataset and its folder; again for more (face1d datasets).",
)
@click.option(
    "--clips",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of videos with a face, for the real detector.",
)
@GROUPS
@FACE_MODEL
@click.option(
    "--page",
    "checkout",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Also write docs/results.json and docs/results.md of this checkout.",
)
def command(
    folder: Path,
    out: Path,
    only: tuple[str, ...],
    quick: bool,
    anew: bool,
    roots: tuple[tuple[str, Path], ...],
    clips: Path | None,
    groups: Path | None,
    face_model: Path | None,
    checkout: Path | None,
) -> None:
    """Measure all tasks, and fill Tables 3, 4, 5 and 7 of the review with rows of ours.

    DIR is what `face1d synth make DIR --test-set synthetic-test-v1` wrote. The measurements run one after the other,
    each in a process of its own, and are kept in the folder `--out` as JSON: what was measured there with the same
    version, models, data and options is not measured again. Beside them lie what they printed, and results.md,
    results.html and results.json.

    A target that is missed is shown as missed, and is no failure: the exit code is 1 if something could not be
    measured.
    """
    if checkout is not None and (quick or only):
        raise click.UsageError("--page is for whole measurements: leave out --quick and --only")
    if checkout is not None and not (checkout / "docs").is_dir():
        raise InvalidValueError("--page", str(checkout), "a checkout, with a folder docs")
    wanted = steps(Wishes(folder, only, quick, roots, clips, groups, face_model))
    outcomes = run_steps(wanted, out, anew=anew, console=Console(stderr=True))
    failed = {one.name: one.reason for one in outcomes if one.state == FAILED}
    found = results(measurements(out, wanted), failed)
    write(found, out / NAME)
    write_whole(out / "results.md", markdown(found))
    write_whole(out / "results.html", page(found))
    _print(found["measured"], outcomes)
    click.echo(f"wrote {out / 'results.html'}, results.md and {NAME}")
    if checkout is not None:
        write(found, checkout / "docs" / NAME)
        write_whole(checkout / "docs" / "results.md", markdown(found))
        click.echo(f"wrote {checkout / 'docs' / 'results.md'} and {NAME}")
    sys.exit(1 if failed else 0)


def _print(measured: dict[str, dict[str, object]], outcomes: Sequence[Outcome]) -> None:
    console = wide_console()
    for name, about in measured.items():
        targets = about["targets"]
        assert isinstance(targets, dict)
        for key, target in targets.items():
            sign = "[green]pass[/]" if target["pass"] else "[red bold]fail[/]"
            landmarks = " (68 landmarks)" if name.endswith("-68") else ""
            console.print(f"{sign}  {key}{landmarks} = {shown(target['value'])}", highlight=False)
    for one in outcomes:
        if one.state == FAILED:
            console.print(f"[red bold]not measured[/]  {one.name}", highlight=False)
