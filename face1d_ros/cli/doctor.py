"""`face1d doctor`: what was found on this machine, and what to do."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import click
from rich.console import Console
from rich.table import Table

from face1d_ros.cli.checks import Check, Level, all_checks
from face1d_ros.cli.tables import wide_console

SIGNS = {
    Level.OK: "[green]ok[/]",
    Level.NOTE: "[blue]note[/]",
    Level.WARNING: "[yellow]warning[/]",
    Level.PROBLEM: "[red]problem[/]",
}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def command(as_json: bool) -> None:
    """Check this machine: what is there, what is missing, and what to do about it.

    Exit code 1 if the main job (the graph on the built-in source) could not run.
    """
    checks = list(_progress(all_checks()) if not as_json and sys.stderr.isatty() else all_checks())
    broken = [check for check in checks if check.level is Level.PROBLEM]
    if as_json:
        click.echo(json.dumps({"ok": not broken, "checks": [check.as_dict() for check in checks]}, indent=2))
    else:
        _print(checks, broken)
    sys.exit(1 if broken else 0)


def _progress(checks: Iterator[Check]) -> Iterator[Check]:
    with Console(stderr=True).status("Looking at this machine…") as status:
        for check in checks:
            status.update(f"Looking at this machine… {check.name}")
            yield check


def _print(checks: list[Check], broken: list[Check]) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("", "what", "found"):
        table.add_column(title, overflow="fold")
    for check in checks:
        table.add_row(SIGNS[check.level], check.name, check.found)
        if check.advice:
            table.add_row("", "", f"[bold]→ {check.advice}[/]")
    console = wide_console()
    console.print(table)
    console.print()
    if broken:
        names = ", ".join(check.name for check in broken)
        console.print(f"[red bold]The main job cannot run.[/] To mend: {names}.")
    else:
        console.print("[green bold]Ready.[/] The main job can run: face1d demo")
