"""What a command shows while it runs, in two ways: a live table on a terminal, or lines for a log."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

import click
from rich.columns import Columns
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from face1d_ros.sources.base import told

REFRESH_S = 0.25
PLAIN_LINE_S = 5.0
BAR_WIDTH = 72
WIDEST = 10_000
"""Characters a line that no table needs."""


class Screen(Protocol):
    """Shows what is known while it is open."""

    def __enter__(self) -> Screen: ...

    def __exit__(self, *_: object) -> None: ...

    def refresh(self) -> None:
        """Show what is known now, if it is time; call it often."""


class LiveScreen:
    """A picture that is drawn anew in place."""

    def __init__(self, draw: Callable[[], RenderableType]) -> None:
        self._draw = draw
        self._live = Live(auto_refresh=False, transient=True)
        self._shown_s = 0.0

    def __enter__(self) -> LiveScreen:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def refresh(self) -> None:
        """Draw, if it is time."""
        now_s = time.monotonic()
        if now_s - self._shown_s >= REFRESH_S:
            self._shown_s = now_s
            self._live.update(self._draw(), refresh=True)


class PlainScreen:
    """A line now and then; notes at once, each one once."""

    def __init__(self, line: Callable[[], str], notes: deque[str]) -> None:
        self._line = line
        self._notes = notes
        self._shown_s = time.monotonic()

    def __enter__(self) -> PlainScreen:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def refresh(self) -> None:
        """Print, if it is time."""
        while self._notes:
            click.echo(self._notes.popleft())
        now_s = time.monotonic()
        if now_s - self._shown_s >= PLAIN_LINE_S:
            self._shown_s = now_s
            click.echo(self._line())


def make_screen(draw: Callable[[], RenderableType], line: Callable[[], str], notes: deque[str] | None = None) -> Screen:
    """What `draw` gives on a terminal, what `line` gives and the `notes` elsewhere."""
    if sys.stdout is not None and sys.stdout.isatty():
        return LiveScreen(draw)
    return PlainScreen(line, deque() if notes is None else notes)


class Bar:
    """A progress bar on a line of its own; `done` from 0 to 1."""

    def __init__(self, done: float) -> None:
        self._done = min(done, 1.0)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(BAR_WIDTH, options.max_width)
        filled = round(width * self._done)
        yield Text("━" * filled, style="green") + Text("━" * (width - filled), style="dim")


class Fitting:
    """A table; where the terminal is narrower, each of its rows in a few lines instead."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = self._table
        if Measurement.get(console, options.update(max_width=WIDEST), table).maximum <= options.max_width:
            yield table
            return
        if table.title:
            yield Text.from_markup(str(table.title))
        headers = [str(column.header) for column in table.columns]
        for name, *values in zip(*(column.cells for column in table.columns), strict=True):
            yield Text(str(name), no_wrap=True)
            pairs = (Text(f"{header} {value}", no_wrap=True) for header, value in zip(headers[1:], values, strict=True))
            yield Columns(pairs, padding=(0, 2))


def print_left_out(skipped: Mapping[str, int], jumps: str = "") -> None:
    """For the summary: what the source left out, by reason, and its jumps in time."""
    if reasons := told(skipped):
        click.secho(f"Left out by the source: {reasons}", fg="yellow")
    if jumps:
        click.secho(jumps[0].upper() + jumps[1:], fg="yellow")


def print_faces(frames: int, frames_of_track: Mapping[int, int]) -> None:
    """For the summary: in how many of the frames each face was seen."""
    if frames and not frames_of_track:
        click.echo(f"Faces none in {frames} frames")
    for track, seen in sorted(frames_of_track.items()):
        click.echo(f"Faces track {track} in {seen} of {frames} frames")
