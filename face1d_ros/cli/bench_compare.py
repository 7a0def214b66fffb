"""`face1d bench compare`: what got slower or faster between two measurements of one command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from face1d_ros.cli.options import JSON
from face1d_ros.cli.tables import rows_table, wide_console
from face1d_ros.evaluate.measurement import Measurement, Row, Target, conditions
from face1d_ros.evaluate.measurement_comparison import (
    WORSE,
    Comparison,
    Pair,
    compare,
    judged,
    load_measurement,
)

MEASUREMENT = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("compare")
@click.argument("a", type=MEASUREMENT)
@click.argument("b", type=MEASUREMENT)
@click.option(
    "--threshold", type=click.FloatRange(0.0, 1000.0), default=10.0, show_default=True, metavar="PERCENT",
    help="What is worse by no more than this counts as the same.",
)  # fmt: skip
@click.option("--each", is_flag=True, help="A single row beyond the threshold decides too, not only the medians.")
@click.option("--all", "everything", is_flag=True, help="Print every row, not only those beyond the threshold.")
@JSON
def command(a: Path, b: Path, threshold: float, each: bool, everything: bool, path: str | None) -> None:
    """Compare two files that the same `bench` command has written with --json: A before, B after.

    Rows are matched by the columns that name them. Times, rates and memory are compared as ratios B / A: the median
    over the rows of each column, and each row beside it. What differs between the machines, versions, data and
    options is said first.

    The exit code is 1 if the median of a column is worse by more than the threshold, or if a target that A reached is
    not reached by B.
    """
    share = threshold / 100.0
    comparison = compare(load_measurement(a), load_measurement(b))
    _print(comparison, share, everything)
    if path:
        measurement(comparison, str(a), str(b), share).write_json(path)
        click.echo(f"wrote {path}")
    worse = comparison.worse_columns(share) or (each and comparison.worse_rows(share))
    if worse or comparison.failed:
        raise click.exceptions.Exit(1)


def measurement(comparison: Comparison, a: str, b: str, threshold: float) -> Measurement:
    """As it is written: the columns, then each row, then what there is to say beside."""
    rows: list[Row] = [*column_rows(comparison, threshold)]
    rows += [{"part": "rows", **_row(pair, threshold)} for column in comparison.columns for pair in column.pairs]
    under = conditions(
        of=comparison.command,
        a=a,
        b=b,
        threshold=threshold,
        differences={key: list(values) for key, values in comparison.differences.items()},
        only_a=comparison.only_a,
        only_b=comparison.only_b,
        targets_failed=comparison.failed,
        targets_mended=comparison.mended,
    )
    worst = max(column.worse_by for column in comparison.columns)
    targets = {
        "compare.worse_by": Target(worst, 1.0 + threshold),
        "compare.targets_failed": Target(float(len(comparison.failed)), 0.0),
    }
    return Measurement("bench compare", under, rows, targets)


def column_rows(comparison: Comparison, threshold: float) -> list[dict[str, Any]]:
    """A row for each column of each part."""
    return [
        {
            "part": "columns",
            "of": column.part,
            "column": column.name,
            "rows": len(column.pairs),
            "median": column.ratio,
            "least": min(pair.ratio for pair in column.pairs),
            "most": max(pair.ratio for pair in column.pairs),
            "verdict": judged(column.worse_by, threshold),
            "worst_row": column.worst.row,
        }
        for column in comparison.columns
    ]


def _row(pair: Pair, threshold: float) -> dict[str, Any]:
    return {
        "row": pair.row,
        "column": pair.column,
        "a": pair.a,
        "b": pair.b,
        "ratio": pair.ratio,
        "verdict": judged(pair.worse_by, threshold),
    }


def _print(comparison: Comparison, threshold: float, everything: bool) -> None:
    console = wide_console()
    for key, (a, b) in comparison.differences.items():
        console.print(f"not alike: {key}: {a} → {b}", style="yellow", highlight=False, markup=False)
    for where, names in (("A", comparison.only_a), ("B", comparison.only_b)):
        for name in names:
            console.print(f"only in {where}: {name}", style="yellow", highlight=False, markup=False)
    table = [{key: row[key] for key in row if key != "part"} for row in column_rows(comparison, threshold)]
    console.print(rows_table(Measurement("", {}, table), f"{comparison.command}: B / A over the rows"))
    pairs = [pair for column in comparison.columns for pair in column.pairs]
    shown = [_row(pair, threshold) for pair in pairs if everything or judged(pair.worse_by, threshold) == WORSE]
    if shown:
        title = "Each row" if everything else f"Rows that are worse by more than {threshold:.0%}"
        console.print(rows_table(Measurement("", {}, shown), title))
    for key in comparison.mended:
        console.print(f"[green]now passes[/]  {key}", highlight=False)
    for key in comparison.failed:
        console.print(f"[red bold]no longer passes[/]  {key}", highlight=False)
    for column in comparison.worse_columns(threshold):
        part = f"{column.part}: " if column.part else ""
        console.print(f"[red bold]worse[/]  {part}{column.name}, B / A = {column.ratio:.3g}", highlight=False)
    if not comparison.failed and not comparison.worse_columns(threshold):
        console.print(f"[green]no column is worse by more than {threshold:.0%}[/]", highlight=False)
