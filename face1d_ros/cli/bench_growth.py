"""`face1d bench growth`: what all stages cost as faces, image sizes and rates grow."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.progress import Progress

from face1d_ros.cli.bench_landmarks import tiled
from face1d_ros.cli.bench_pipeline import Bar, Rows
from face1d_ros.cli.bench_stages import bar_of
from face1d_ros.cli.growth_picture import draw
from face1d_ros.cli.interrupts import interrupted_between_frames
from face1d_ros.cli.options import JSON
from face1d_ros.cli.pipeline_sides import WHOLE, Image, PipelineSide
from face1d_ros.cli.pipeline_timing import PACED_WARM_UP_FRAMES, SETTLING_FRAMES, STAMPS_HZ, Turn, paced, turn_of
from face1d_ros.cli.plots import make_folder, pyplot_for
from face1d_ros.cli.stage_sides import images_sha256
from face1d_ros.cli.tables import print_measurement, rows_table, wide_console
from face1d_ros.config import LandmarksConfig
from face1d_ros.detect.quiet_start import quiet_start
from face1d_ros.evaluate.measurement import Measurement, conditions
from face1d_ros.graph import LANDMARKS, STAGES
from face1d_ros.sources.portrait import AnimatedPortrait

IMAGES = 30
MOST_FACES = 8
SIZES = ((320, 240), (640, 480), (1280, 720), (1920, 1080))
RATES_HZ = (10.0, 20.0, 30.0, 40.0, 50.0, 60.0)
WARM_UP_FRAMES = 15
FACES, SIZE, RATE = "faces", "size", "rate"
PARTS = (FACES, SIZE, RATE)
TIGHT = ((FACES, "As faces grow"), (SIZE, "As images grow"))


@click.command("growth")
@JSON
@click.option("--rounds", type=click.IntRange(3, 1000), default=5, show_default=True, help="Of the tight loop.")
@click.option("--frames", type=click.IntRange(2, 10_000), default=30, show_default=True, help="Of a case in a round.")
@click.option("--seconds", type=click.FloatRange(0.1, 600.0), default=10.0, show_default=True, help="At each rate.")
@click.option("--only", type=click.Choice(PARTS), help="This part alone.")
@click.option(
    "--pictures",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Draw each part into this folder: growth_faces.png, growth_size.png, growth_rate.png.",
)
def command(
    path: str | None, rounds: int, frames: int, seconds: float, only: str | None, pictures: Path | None
) -> None:
    """Time all stages in one process with more and more to do.

    Faces: 1 to 8 portraits side by side in an image of 1280×480, and as many looked for. Sizes: one portrait, half as
    high as the image, from 320×240 to 1920×1080. Both in a tight loop, all cases by turns, medians over the rounds.
    Rates: one portrait at 640×480 with sleeps between, 10 to 60 Hz: processor time in percent of one core.

    About three minutes.
    """
    if pictures is not None:
        pyplot_for("--pictures")
        make_folder(pictures)
    measurement = measure(rounds, frames, seconds, (only,) if only else PARTS)
    for part, name in TIGHT:
        if measurement.part(part):
            wide_console().print(rows_table(Measurement("", {}, wide(measurement.part(part))), f"{name}, ms a frame"))
    shown = Measurement(measurement.command, measurement.conditions, measurement.part(RATE))
    print_measurement(shown, "As the rate grows" if shown.rows else "")
    if path:
        measurement.write_json(path)
        click.echo(f"wrote {path}")
    for picture in draw(measurement.rows, pictures) if pictures is not None else ():
        click.echo(f"wrote {picture}")


def wide(rows: Sequence[Mapping[str, Any]]) -> Rows:
    """A row for each case, with a column for each stage; cpu is of the whole."""
    cases: dict[Any, dict[str, Any]] = {}
    for row in rows:
        name = next(key for key in ("faces", "image") if key in row)
        case = cases.setdefault(row[name], {name: row[name]})
        case[row["what"]] = row["ms"]
        if row["what"] == WHOLE:
            case |= {"cpu": row["cpu_ms"], "found": row["found"]}
    return [*cases.values()]


@dataclass(frozen=True, eq=False)
class Case:
    """Some images, and how it is named in the table."""

    names: Mapping[str, Any]
    images: Sequence[Image]
    looked_for: int = 1

    def side(self) -> PipelineSide:
        """All stages."""
        return PipelineSide(self.images, STAGES, {LANDMARKS.name: LandmarksConfig(max_faces=self.looked_for)})


def face_cases() -> list[Case]:
    """One face to eight, in images of one size."""
    return [
        Case({"part": FACES, "faces": count}, tiled(count, MOST_FACES), count) for count in range(1, MOST_FACES + 1)
    ]


def size_cases() -> list[Case]:
    """The portrait fills the same share of each."""
    cases = []
    for width, height in SIZES:
        names = {"part": SIZE, "image": f"{width}×{height}", "megapixels": width * height * 1e-6}
        cases.append(Case(names, portrait(width, height)))
    return cases


def portrait(width: int, height: int) -> list[Image]:
    """The first second of it."""
    frames = AnimatedPortrait(width=width, height=height, length=IMAGES, rate_hz=STAMPS_HZ).frames()
    return [frame.image for frame in frames]


def measure(rounds: int, frames: int, seconds: float, parts: Sequence[str] = PARTS) -> Measurement:
    """One part after the other."""
    rows: Rows = []
    images = portrait(640, 480)
    with interrupted_between_frames() as check, Progress(console=Console(stderr=True), transient=True) as progress:
        bar = bar_of(progress, check)
        for part, cases_of in ((FACES, face_cases), (SIZE, size_cases)):
            if part in parts:
                rows += tight_rows(cases_of(), rounds, frames, bar)
        if RATE in parts:
            rows += rate_rows(Case({}, images), seconds, bar)
    under = conditions(
        data_sha256=images_sha256(images),
        rounds=rounds,
        frames_a_round=frames,
        seconds_a_rate=seconds,
        interleaved="blocks of frames, all cases of a part in turn",
        load_average_1min=os.getloadavg()[0],
    )
    return Measurement("bench growth", under, rows)


def tight_rows(cases: Sequence[Case], rounds: int, frames: int, bar: Bar) -> Rows:
    """A row for each case and stage; the cases take turns, so that a disturbance meets each of them."""
    part = cases[0].names["part"]
    advance = bar(f"{part}: loading the models", len(cases) * WARM_UP_FRAMES)
    with ExitStack() as stack:
        sides = []
        with quiet_start():
            for case in cases:
                sides.append(stack.enter_context(closing(case.side())))
                for _ in range(WARM_UP_FRAMES):
                    sides[-1].step(STAMPS_HZ)
                    advance()
                sides[-1].take()
                sides[-1].found.clear()
        turns: list[list[Turn]] = [[] for _ in cases]
        advance = bar(f"{part}: tight loop", rounds * len(cases) * (SETTLING_FRAMES + 2 * frames))
        for _ in range(rounds):
            for side, taken in zip(sides, turns, strict=True):
                taken.append(turn_of(side, frames, advance))
        return [
            row for case, side, taken in zip(cases, sides, turns, strict=True) for row in rows_of(case, side, taken)
        ]


def rows_of(case: Case, side: PipelineSide, turns: Sequence[Turn]) -> Rows:
    """A row for each stage, and the whole."""
    ms = np.median([np.median(turn.wall_s, axis=0) for turn in turns], axis=0) * 1e3
    cpu_ms = np.median([turn.cpu_s.mean(axis=0) for turn in turns], axis=0) * 1e3
    found = float(np.mean(side.found))
    return [
        {
            **case.names,
            "what": part,
            "ms": ms[index],
            "cpu_ms": cpu_ms[index],
            "found": found if part == WHOLE else None,
        }
        for index, part in enumerate(side.parts)
    ]


def rate_rows(case: Case, seconds: float, bar: Bar) -> Rows:
    """A row for each rate: percentiles of the whole, and what it takes of the processor."""
    rows: Rows = []
    with quiet_start():
        side = case.side()
    with closing(side):
        for rate_hz in RATES_HZ:
            frames = max(2, round(seconds * rate_hz))
            advance = bar(f"{rate_hz:g} Hz", PACED_WARM_UP_FRAMES + frames)
            (took,), kept_hz = paced([side], frames, rate_hz, advance)
            p50, p95, p99 = (np.percentile(took.wall_s[:, -1], (50, 95, 99)) * 1e3).tolist()
            row = {"part": RATE, "pace": f"{rate_hz:g} Hz", "kept_hz": kept_hz, "what": WHOLE}
            row |= {"p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "cpu_ms": took.cpu_s * 1e3}
            rows.append({**row, "cpu_percent": 100.0 * took.cpu_s * kept_hz})
    return rows
