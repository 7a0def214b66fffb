"""`face1d datasets`: which real datasets are known, how they have to lie, and whether one is complete."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.padding import Padding
from rich.progress import Progress
from rich.table import Table

from face1d_ros.cli.tables import wide_console
from face1d_ros.datasets import DATASETS, cards, dataset_class, locate_dataset
from face1d_ros.datasets.base import Card, Dataset, RealSequence
from face1d_ros.datasets.damage import empty_files, unreadable
from face1d_ros.errors import DatasetFileError

FIRST = 20


@click.group("datasets", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """List the real datasets that can be used: what for, how they have to lie, licence, where to get them.

    None of them comes with this package, and none is downloaded: each has terms of its own.
    """
    if context.invoked_subcommand is None:
        for card in cards():
            _print(card)


@command.command("show")
@click.argument("name", type=click.Choice(list(DATASETS)))
def show(name: str) -> None:
    """Show one dataset: what it is for, its layout, licence and where to get it."""
    _print(dataset_class(name).card)


@command.command("check")
@click.argument("name", type=click.Choice(list(DATASETS)))
@click.option("--root", required=True, type=click.Path(file_okay=False), help="The dataset's folder.")
@click.option("--first", type=click.IntRange(0), default=FIRST, show_default=True, help="Files of each kind to list.")
@click.option("--read", is_flag=True, help="Decode every image and parse every file, too: takes its time.")
def check(name: str, root: str, first: int, read: bool) -> None:
    """Say file by file what is missing of a dataset, empty or, with --read, damaged. Ends with 1 if anything is."""
    dataset = locate_dataset(name, root)
    with Console(stderr=True).status("looking at the names of all files"):
        report = dataset.completeness()
        empty = empty_files(dataset.root)
    broken = _unreadable(dataset) if read else []
    console = wide_console()
    for what, count in report.found.items():
        console.print(f"{count:>8}  {what}", highlight=False, markup=False)
    if report.complete and not empty and not broken:
        sort = "complete and readable" if read else "complete"
        console.print(f"[green]{sort}[/]  {dataset.card.title} in {dataset.root}", highlight=False)
        return
    for what, lines in (("missing", report.missing), ("empty", empty), ("unreadable", broken)):
        _list(console, f"{len(lines)} {what}", dataset.root, lines, first)
    console.print(f"Get it from {dataset.card.where}", highlight=False)
    sys.exit(1)


def _unreadable(dataset: Dataset) -> list[str]:
    """A line for each file that cannot be read."""
    sequences: list[RealSequence] = []
    broken: list[str] = []
    try:
        sequences.extend(dataset.sequences())
    except DatasetFileError as error:  # of a label: what comes after it cannot be known
        broken.append(f"{error} (what comes after it was not read)")
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading", total=sum(len(one.images) for one in sequences))
        for one in sequences:
            broken.extend(unreadable(one, lambda: progress.advance(task)))
    return broken


def _list(console: Console, title: str, root: Path, lines: Sequence[str], first: int) -> None:
    if not lines:
        return
    console.print(f"[red bold]{title}[/] below {root}:", highlight=False)
    for line in lines[:first]:
        console.print(f"          {line}", highlight=False, markup=False)
    if len(lines) > first:
        console.print(f"          and {len(lines) - first} more", highlight=False)


def _print(card: Card) -> None:
    console = wide_console()
    console.print(f"[bold]{card.name}[/]  {card.title}", highlight=False)
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    rows = {
        "for": card.purpose,
        "holds": card.content,
        "layout": card.layout,
        "splits": ", ".join(card.splits),
        "papers": card.paper,
        "licence": card.licence,
        "where": card.where,
    }
    for key, value in rows.items():
        if value:
            table.add_row(key, value.replace("[", "\\["))
    console.print(Padding(table, (0, 0, 1, 2)))
