"""Measurements as tables for people."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from face1d_ros.evaluate.measurement import Measurement, Row

FILE_WIDTH = 160
"""Characters a line when the output goes to a file or a pipe, which has no width of its own."""
SIGNS = {"<=": "≤", ">=": "≥"}


def print_measurement(measurement: Measurement, title: str = "") -> None:
    """Rows, targets with pass or fail, and the conditions in a line."""
    console = wide_console()
    console.print(rows_table(measurement, title))
    for key, target in measurement.targets.items():
        sign = "[green]pass[/]" if target.passed else "[red bold]fail[/]"
        wanted = f"{SIGNS[target.comparison]} {target.target:g}"
        console.print(f"{sign}  {key} = {shown(target.value)}  (target {wanted})", highlight=False)
    console.print(_conditions(measurement), style="dim", highlight=False, markup=False)


def wide_console() -> Console:
    """As wide as the terminal; wide enough for every table where there is none."""
    console = Console()
    if not console.is_terminal:
        console.width = FILE_WIDTH
    return console


def rows_table(measurement: Measurement, title: str = "") -> Table:
    """A column for every key that a row has, in the order of first appearance; numbers to the right.

    Names and texts are shown as they are: those of a bag or of a user's file may look like rich's markup.
    """
    columns = list(dict.fromkeys(key for row in measurement.rows for key in row))
    table = Table(title=escape(title) or None, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in columns:
        numbers = all(not isinstance(row.get(column), str) for row in measurement.rows)
        table.add_column(escape(column), no_wrap=True, justify="right" if numbers else "left")
    for row in measurement.rows:
        table.add_row(*(escape(shown(row.get(column))) for column in columns))
    return table


def chosen_table(rows: Sequence[Row], columns: Mapping[str, str], title: str = "") -> Table:
    """Some columns of rows: their keys, and what stands above them."""
    chosen: list[Row] = [{name: row.get(key) for key, name in columns.items()} for row in rows]
    return rows_table(Measurement("", {}, chosen), title)


def shown(value: Any) -> str:
    """A value in a table: three significant digits, – for what is not known."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _conditions(measurement: Measurement) -> str:
    machine = measurement.conditions.get("machine", {})
    versions = measurement.conditions.get("versions", {})
    known = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    return f"{machine.get('cpu')}, {machine.get('cores')} cores, {machine.get('os')}; {known}"
