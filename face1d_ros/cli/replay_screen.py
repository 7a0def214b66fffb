"""What `face1d replay` shows while it runs: of each source how far it is, how fast, and the time left."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from face1d_ros.cli.screen import Fitting
from face1d_ros.paths import printable
from face1d_ros.replay.job import REPLAYING, Job, Outcome, Progress
from face1d_ros.replay.visible import seen

BAR_WIDTH = 30
LAST_NOTES = 5
PACE_S = 1.0
"""A pace over less time says nothing."""
PHASES = {"resuming": "resuming", "report": "report"}
STATES = {"done": "done", "stopped": "stopped", "failed": "failed", "was_done": "was done before"}


@dataclass
class Row:
    """One source."""

    name: str
    weight: float
    """Its share of the work, in any unit."""
    progress: Progress | None = None
    outcome: Outcome | None = None
    began_s: float = 0.0
    began_part: float = 0.0
    began_stamp_s: float = 0.0

    @property
    def part(self) -> float | None:
        """0 to 1; None where nobody knows."""
        if self.progress is None:
            return 0.0
        announced = self.progress.announced
        return min(1.0, self.progress.frames / announced) if announced else None

    @property
    def is_running(self) -> bool:
        """Begun and not ended."""
        return self.progress is not None and self.outcome is None

    def realtime_factor(self, now_s: float) -> float | None:
        """Seconds of the source in a second, of this run."""
        if self.progress is None or self.began_s == 0.0 or now_s - self.began_s < PACE_S:
            return None
        return (self.progress.stamp_s - self.began_stamp_s) / (now_s - self.began_s)


class Board:
    """All sources. A `Watcher` of those who work on them."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.notes: deque[str] = deque(maxlen=LAST_NOTES)
        self.rows = [Row(name_of(job.folder), max(1.0, seen(job.source).bytes)) for job in jobs]
        self._began_s = time.monotonic()

    def tell(self, index: int, progress: Progress) -> None:
        """How far one is."""
        row = self.rows[index]
        row.progress = progress
        if progress.phase == REPLAYING and row.began_s == 0.0:
            row.began_s, row.began_part, row.began_stamp_s = time.monotonic(), row.part or 0.0, progress.stamp_s

    def note(self, text: str) -> None:
        """Something that people should know."""
        self.notes.append(text)

    def end(self, index: int, outcome: Outcome) -> None:
        """One has ended."""
        row = self.rows[index]
        row.outcome = outcome
        if len(self.rows) > 1:
            self.note(f"{row.name}: {STATES.get(outcome.state, outcome.state)}, {outcome.frames} frames")

    def left_s(self, now_s: float) -> float | None:
        """Until all is done, at the pace of this run so far; None where nobody knows."""
        done = rest = 0.0
        began_s = now_s
        for row in self.rows:
            part = row.part
            if part is None:
                return None
            if row.began_s:
                done += row.weight * (part - row.began_part)
                began_s = min(began_s, row.began_s)
            if row.outcome is None:
                rest += row.weight * (1.0 - part)
        return (now_s - began_s) * rest / done if done > 0.0 and now_s - began_s >= PACE_S else None

    def draw(self) -> RenderableType:
        """Those at work in a table, and a line for all."""
        now_s = time.monotonic()
        table = Table(box=None, padding=(0, 2, 0, 0))
        table.add_column("source", no_wrap=True)
        table.add_column("")
        for column in ("", "frames", "× real time"):
            table.add_column(column, justify="right", no_wrap=True)
        for row in self.rows:
            if row.is_running:
                table.add_row(*_cells(row, now_s))
        told = [Text(note, style="yellow") for note in self.notes]
        running = [Fitting(table)] if any(row.is_running for row in self.rows) else []
        return Group(*running, Text(f"{self._all(now_s)}   Ctrl-C ends; the same command goes on", style="dim"), *told)

    def line(self) -> str:
        """The same in a line."""
        now_s = time.monotonic()
        running = [f"{row.name} {_told(row, now_s)}" for row in self.rows if row.is_running]
        return "; ".join([self._all(now_s), *running])

    def _all(self, now_s: float) -> str:
        """Time, sources, and time left."""
        parts = [f"{now_s - self._began_s:.0f} s"]
        if len(self.rows) > 1:
            ended = sum(row.outcome is not None for row in self.rows)
            parts.append(f"{ended} of {len(self.rows)} sources")
        left_s = self.left_s(now_s)
        return ", ".join([*parts, f"{duration(left_s)} left"] if left_s is not None else parts)


def name_of(folder: str) -> str:
    """What a source is called: its folder's name, in one line that no terminal takes for more than a name."""
    return "".join(each if each.isprintable() else "?" for each in printable(Path(folder).name))


def duration(seconds: float) -> str:
    """Such as 45 s, 12:05, 1:02:33."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def frames_told(frames: int, announced: int | None) -> str:
    """Such as 600 of 1800."""
    return f"{frames} of {announced}" if announced else str(frames)


def _cells(row: Row, now_s: float) -> tuple[RenderableType, ...]:
    assert row.progress is not None
    part, factor = row.part, row.realtime_factor(now_s)
    bar = ProgressBar(1.0, part, width=BAR_WIDTH) if part is not None else Text("")
    shown = PHASES.get(row.progress.phase) or ("" if part is None else f"{part:.0%}")
    frames = frames_told(row.progress.frames, row.progress.announced)
    return Text(row.name), bar, shown, frames, "–" if factor is None else f"{factor:.1f}"


def _told(row: Row, now_s: float) -> str:
    assert row.progress is not None
    part, factor = row.part, row.realtime_factor(now_s)
    words = [f"{frames_told(row.progress.frames, row.progress.announced)} frames"]
    if phase := PHASES.get(row.progress.phase):
        return f"{phase}, {words[0]}"
    if part is not None:
        words[0] += f" ({part:.0%})"
    if factor is not None:
        words.append(f"{factor:.1f} × real time")
    return ", ".join(words)
