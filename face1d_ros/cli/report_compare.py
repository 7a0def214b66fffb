"""`face1d report compare`: what got better or worse from one report to another."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable

import click

from face1d_ros.cli.tables import shown, wide_console
from face1d_ros.evaluate.measurement import write_whole
from face1d_ros.paths import user_path

THRESHOLD_PERCENT = 5.0
MOST_PERCENT = 999
SIGNS = {"better": "[green]better[/]", "worse": "[red bold]worse[/]"}


@click.command("compare")
@click.argument("a")
@click.argument("b")
@click.option(
    "--threshold",
    type=click.FloatRange(min=0.0),
    default=THRESHOLD_PERCENT,
    show_default=True,
    metavar="PERCENT",
    help="What changes by no more than this is the same.",
)
@click.option(
    "--ignore",
    "ignored",
    multiple=True,
    metavar="KEY",
    help="A figure, or all whose key begins so up to a dot, such as 'latency'; may be given several times.",
)
@click.option("--all", "every", is_flag=True, help="Print what stayed the same, too.")
@click.option("--json", "path", type=click.Path(dir_okay=False), help="Write the comparison to this file.")
def command(a: str, b: str, threshold: float, ignored: tuple[str, ...], every: bool, path: str | None) -> None:
    """Compare the report B with the report A, from before: report.json, or the folder that holds it.

    Only figures that say which direction is better are compared. Exit code 1 when one of them got worse by more than
    the threshold, or a verdict that passed fails.
    """
    from face1d_ros.replay.report.compare import BETTER, ONLY_A, ONLY_B, SAME, WORSE, compare
    from face1d_ros.replay.report.files import read_dict

    found = compare(read_dict(user_path(a)), read_dict(user_path(b)), threshold, ignored)
    for note in found.notes:
        click.secho(note, fg="yellow")
    _print([*found.of(WORSE), *found.of(BETTER), *(found.of(SAME) if every else ())])
    for result in (ONLY_A, ONLY_B):
        if rows := found.of(result):
            click.echo(f"{result}: {_by_section([row.key for row in rows])}")
    counts = found.as_dict()["counts"]
    told = ", ".join(f"{counts[result]} {result}" for result in (WORSE, BETTER, SAME))
    click.echo(f"{told}; threshold {threshold:g} %")
    if path:
        write_whole(user_path(path), json.dumps(found.as_dict(), indent=2, ensure_ascii=False) + "\n")
        click.echo(f"wrote {path}")
    if not found.passed:
        sys.exit(1)


def _print(rows: Iterable[object]) -> None:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    from face1d_ros.replay.report.compare import Row

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in ("", "figure"):
        table.add_column(column, no_wrap=True)
    for column in ("A", "B", "change"):
        table.add_column(column, no_wrap=True, justify="right")
    table.add_column("key", no_wrap=True, style="dim")
    for row in rows:
        assert isinstance(row, Row)
        values = (f"{shown(value)} {row.unit}".strip() for value in (row.a, row.b))
        name, key = escape(row.name), escape(row.key)
        table.add_row(SIGNS.get(row.result, row.result), name, *values, _change(row.change_percent), key)
    if table.row_count:
        wide_console().print(table)


def _change(percent: float | None) -> str:
    """Nothing where there is none to tell; after a value near 0 the number itself says little."""
    if percent is None:
        return ""
    return f"{percent:+.1f} %" if abs(percent) <= MOST_PERCENT else f"> {MOST_PERCENT} %"


def _by_section(keys: Iterable[str]) -> str:
    """Keys of one section as its name and their number."""
    sections: dict[str, list[str]] = {}
    for key in keys:
        sections.setdefault(key.rsplit(".", 1)[0], []).append(key)
    return ", ".join(few[0] if len(few) == 1 else f"{name}.* ({len(few)})" for name, few in sections.items())
