"""What `face1d run` shows: a picture for a terminal, a line for a log, and the summary."""

from __future__ import annotations

import math
import time
from array import array
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any

import click
import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from face1d_ros.cli.screen import Bar, Fitting, print_faces, print_left_out
from face1d_ros.cli.tables import wide_console
from face1d_ros.graph import LANDMARKS_RAW
from face1d_ros.sources.stamps import SOURCE_TIME, TIME_JUMP_S, StampWatch

LIVE_FRAMES = 300
"""The live table's percentiles are of so many frames."""
RATE_S = 2.0
LAST_NOTES = 5


class Progress:
    """What went through the stages so far."""

    def __init__(
        self, length: int | None, max_frames: int | None, *, live: bool = False, notes: deque[str] | None = None
    ) -> None:
        """`live` sources may pause for as long as they like; jumps in time are added to the `notes`."""
        self.frames = 0
        self.received = 0
        self.dropped = 0
        self.faces = 0
        self.frames_of_track: Counter[int] = Counter()
        self.began_s = self.ended_s = time.monotonic()
        self.notes: deque[str] = deque(maxlen=LAST_NOTES) if notes is None else notes
        self.stamps = StampWatch(math.inf if live else TIME_JUMP_S)
        self._length = length
        self._max_frames = max_frames
        self._durations_s: dict[str, array[float]] = {}
        self._recent_s: deque[float] = deque()

    def add(self, values: Mapping[str, Any], received: int, dropped: int) -> None:
        """The results of one frame, by topic."""
        if not self.frames:
            self.began_s = time.monotonic()
        self.frames += 1
        self.received, self.dropped = received, dropped
        for value in values.values():
            self._durations_s.setdefault(value.info.stage, array("f")).append(value.info.duration_s)
        if self.stamps.note(next(iter(values.values())).header.stamp_ns):
            self.notes.append(self.stamps.jump.text(SOURCE_TIME))
        landmarks = values.get(LANDMARKS_RAW.name)
        if landmarks is not None:
            self.faces = len(landmarks.faces)
            self.frames_of_track.update(face.track_id for face in landmarks.faces)
        self.ended_s = time.monotonic()
        self._recent_s.append(self.ended_s)

    @property
    def elapsed_s(self) -> float:
        """From the first result to the last."""
        return self.ended_s - self.began_s

    @property
    def part_done(self) -> float | None:
        """0 to 1; None where the end is not known."""
        parts = []
        if self._max_frames:
            parts.append(self.frames / self._max_frames)
        if self._length:
            parts.append(self.received / self._length)
        return min(1.0, max(parts)) if parts else None

    def rate_hz(self, live: bool) -> float:
        """Frames a second: of late, or over the whole run."""
        if not live:
            return (self.frames - 1) / self.elapsed_s if self.elapsed_s > 0.0 else 0.0
        now_s = time.monotonic()
        while self._recent_s and now_s - self._recent_s[0] > RATE_S:
            self._recent_s.popleft()
        span_s = self._recent_s[-1] - self._recent_s[0] if self._recent_s else 0.0
        return (len(self._recent_s) - 1) / span_s if span_s > 0.0 else 0.0

    def stages(self, live: bool) -> list[tuple[str, float, float]]:
        """(name, p50, p99 of its time in ms) of each stage."""
        rows = []
        for name, durations_s in self._durations_s.items():
            p50, p99 = np.percentile(np.array(durations_s[-LIVE_FRAMES:] if live else durations_s), (50, 99)) * 1e3
            rows.append((name, float(p50), float(p99)))
        return rows

    def draw(self) -> RenderableType:
        """The table, and how far it is."""
        told = [Text(note, style="yellow") for note in self.notes]
        if not self.frames:
            return Group(Text("waiting for the first frame…   Ctrl-C ends", style="dim"), *told)
        parts: list[RenderableType] = [Fitting(stage_table(self, live=True))]
        if (part := self.part_done) is not None:
            parts.append(Bar(part))
        parts.append(Text(f"{self.elapsed_s:.0f} s   Ctrl-C ends", style="dim"))
        return Group(*parts, *told)

    def status(self) -> str:
        """The same in a line."""
        part = "" if self.part_done is None else f" ({self.part_done:.0%})"
        stages = ", ".join(f"{name} {p50:.1f} ms, p99 {p99:.1f} ms" for name, p50, p99 in self.stages(live=True))
        return (
            f"{self.elapsed_s:5.0f} s  {self.frames} frames{part}, {self.rate_hz(live=True):.1f} Hz, "
            f"{stages or 'no result yet'}, faces {self.faces}, dropped {self.dropped}"
        )


def stage_table(progress: Progress, *, live: bool, title: str = "") -> Table:
    """Frames, rate, time, faces and drops of each stage."""
    table = Table(title=title or None, title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("stage", no_wrap=True)
    for column in ("frames", "rate Hz", "p50 ms", "p99 ms", "faces", "dropped"):
        table.add_column(column, justify="right", no_wrap=True)
    rate = f"{progress.rate_hz(live):.1f}"
    faces = str(progress.faces) if live else str(len(progress.frames_of_track))
    for name, p50_ms, p99_ms in progress.stages(live):
        table.add_row(name, str(progress.frames), rate, f"{p50_ms:.1f}", f"{p99_ms:.1f}", faces, str(progress.dropped))
    return table


def print_summary(progress: Progress, skipped: Mapping[str, int], losses: int = 0) -> None:
    """Frames, faces and time. `skipped` counts what the source left out, by reason, `losses` how often it went away."""
    console = wide_console()
    console.print()
    if progress.frames:
        console.print(Fitting(stage_table(progress, live=False, title="[bold]Over the whole run[/]")))
        console.print()
    else:
        click.secho("No frame went through the stages.", fg="red", bold=True)
    if losses:
        click.secho(f"The source went away {'once' if losses == 1 else f'{losses} times'}", fg="yellow")
    jump = progress.stamps.jump
    print_left_out(skipped, jump.text(SOURCE_TIME) if jump.count else "")
    print_faces(progress.frames, progress.frames_of_track)
    if progress.frames:
        click.echo(f"Time  {progress.elapsed_s:.1f} s for {progress.stamps.duration_s:.1f} s of the source")
