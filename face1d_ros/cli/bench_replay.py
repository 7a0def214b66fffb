"""`face1d bench replay`: how fast bags are replayed with all stages, and whether memory grows with their length."""

from __future__ import annotations

import hashlib
import os
import shutil
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import click
import numpy as np
from rich.console import Console
from rich.progress import Progress

from face1d_ros.cli.bench_bags import (
    JPEG_BYTES,
    RATE_HZ,
    RAW_BYTES,
    RESULT_BYTES,
    frames_of,
    jpegs,
    write_jpeg,
    write_raw,
)
from face1d_ros.cli.interrupts import sigterm_as_ctrl_c
from face1d_ros.cli.job_process import Sample, Watched, watched
from face1d_ros.cli.options import JSON
from face1d_ros.cli.tables import print_measurement, rows_table, wide_console
from face1d_ros.errors import InvalidValueError, RecordingError
from face1d_ros.evaluate.measurement import Measurement, Target, conditions
from face1d_ros.replay.job import Job

Advance: TypeAlias = Callable[[int], None]
"""Says how many frames are done."""
Bar: TypeAlias = Callable[[str, int], Advance]
RAW, JPEG, LONG = "raw", "JPEG", "JPEG, long"
SETTLED = (0.15, 0.25)
"""Part of the bag from which memory should not grow any more."""
AT_THE_END = (0.95, 1.0)
SHARE_TO_SPARE = 1.1


@click.command("replay")
@JSON
@click.option(
    "--seconds",
    type=click.FloatRange(1.0, 3600.0),
    default=60.0,
    show_default=True,
    help="Of the bags that are timed.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(0.1, 600.0),
    default=10.0,
    show_default=True,
    help="Of the bag with which memory is measured.",
)
@click.option("--rounds", type=click.IntRange(1, 100), default=3, show_default=True, help="Of the timed bags.")
@click.option(
    "--folder", type=click.Path(exists=True, file_okay=False, writable=True, path_type=Path),
    help="For the bags, which are removed at the end.  [default: the system's folder for temporary files]",
)  # fmt: skip
def command(path: str | None, seconds: float, minutes: float, rounds: int, folder: Path | None) -> None:
    """Replay bags of the animated portrait, 640×480 at 30 Hz, with all stages, report and pictures.

    Speed: a bag of raw images and one of JPEG images in turn, each time in a fresh process. wall_s is the whole job,
    from loading the models to the written report; realtime_factor is the bag's time by it, medians over the rounds.

    Memory: a longer JPEG bag, the resident memory of its processes looked at five times a second; what they share
    counts in each. growth_mb is from the first fifth of the bag to its end; longer_mb is how much higher the peak is,
    report included, than that of the short JPEG bag. The target is of the larger of both.

    About six minutes, and up to 3 GB of disk.
    """
    measurement = measure(seconds, minutes, rounds, folder)
    wide_console().print(rows_table(Measurement("", {}, measurement.part("memory")), "Memory over a long bag"))
    shown = Measurement(measurement.command, measurement.conditions, measurement.part("speed"), measurement.targets)
    print_measurement(shown, "Bags replayed with all stages, report and pictures")
    if path:
        measurement.write_json(path)
        click.echo(f"wrote {path}")


def measure(seconds: float, minutes: float, rounds: int, folder: Path | None = None) -> Measurement:
    """Make the bags, and replay them one after the other."""
    if minutes * 60.0 < seconds:
        raise InvalidValueError("minutes", minutes, f"at least the {seconds:g} s of the timed bags")
    with (
        sigterm_as_ctrl_c(),
        tempfile.TemporaryDirectory(prefix="face1d-bench-", dir=folder) as place,
        Progress(console=Console(stderr=True), transient=True) as progress,
    ):

        def bar(name: str, total: int) -> Advance:
            task = progress.add_task(name, total=total)
            return lambda done: progress.update(task, completed=done)

        rows, data_sha256 = _rows(Path(place), seconds, minutes, rounds, bar)
    under = conditions(
        data_sha256=data_sha256,
        seconds=seconds,
        minutes=minutes,
        rounds=rounds,
        image="640×480 at 30 Hz, one face",
        report=True,
        pictures=True,
        interleaved="the bags by turns, each in a fresh process",
        load_average_1min=os.getloadavg()[0],
    )
    return Measurement("bench replay", under, rows, targets(rows))


def _rows(place: Path, seconds: float, minutes: float, rounds: int, bar: Bar) -> tuple[list[dict[str, Any]], str]:
    """The rows, and the SHA-256 of all JPEG images in their order."""
    frames, long_frames = frames_of(seconds), frames_of(minutes * 60.0)
    ask_for_room(place, frames, long_frames)
    bags = {RAW: place / "raw", JPEG: place / "jpeg"}
    write_raw(bags[RAW], seconds, counted(bar("making the raw bag", frames)))
    images = jpegs(seconds, counted(bar("encoding", frames)))
    write_jpeg(bags[JPEG], images, frames, counted(bar("making the JPEG bag", frames)))
    done: dict[str, list[Watched]] = {RAW: [], JPEG: []}
    for number in range(rounds):
        for name, bag in bags.items():
            done[name].append(_replayed(bag, bar(f"round {number + 1} of {rounds}: {name}", frames), frames))
    shutil.rmtree(bags[RAW])
    write_jpeg(place / "long", images, long_frames, counted(bar("making the long bag", long_frames)))
    long = _replayed(place / "long", bar(f"{minutes:g} minutes of JPEG", long_frames), long_frames)
    rows = [speed_row(name, of_it) for name, of_it in done.items()]
    rows.append(memory_row(long, [peak_mb(one) for one in done[JPEG]]))
    digest = hashlib.sha256()
    for image in images:
        digest.update(image)
    return rows, digest.hexdigest()


def counted(advance: Advance) -> Callable[[], None]:
    """One more each time."""
    count = 0

    def one_more() -> None:
        nonlocal count
        count += 1
        advance(count)

    return one_more


def ask_for_room(place: Path, frames: int, long_frames: int) -> None:
    """Raises RecordingError where the disk has too little of it: the raw bag goes before the long one is made."""
    timed = frames * (RAW_BYTES + JPEG_BYTES + RESULT_BYTES)
    long = frames * JPEG_BYTES + long_frames * (JPEG_BYTES + RESULT_BYTES)
    needed = round(SHARE_TO_SPARE * max(timed, long))
    free = shutil.disk_usage(place).free
    if free < needed:
        raise RecordingError(
            f"the bags need {needed / 1e9:.1f} GB, and {place} has {free / 1e9:.1f} GB;"
            " name another --folder, or shorten them with --seconds and --minutes"
        )


def _replayed(bag: Path, advance: Advance, frames: int) -> Watched:
    """With all that a user gets; the results are removed."""
    out = bag.with_name(f"{bag.name}_results")
    job = Job(source=str(bag), folder=str(out), truth="none", command="face1d bench replay")
    done = watched(job, advance)
    shutil.rmtree(out)
    if done.outcome.frames != frames:
        raise RecordingError(f"{done.outcome.frames} of {frames} frames of the bag were replayed")
    return done


def speed_row(name: str, rounds: Sequence[Watched]) -> dict[str, Any]:
    """Medians over the rounds."""
    factors = [realtime_factor(one) for one in rounds]
    return {
        "part": "speed",
        "bag": name,
        "frames": rounds[0].outcome.frames,
        "wall_s": statistics.median(one.wall_s for one in rounds),
        "report_s": statistics.median(report_s(one) for one in rounds),
        "realtime_factor": statistics.median(factors),
        "realtime_factor_spread": max(factors) - min(factors),
        "cpu_s": statistics.median(one.cpu_s for one in rounds),
        "peak_mb": max(peak_mb(one) for one in rounds),
    }


def memory_row(long: Watched, short_peaks_mb: Sequence[float]) -> dict[str, Any]:
    """Of the long bag: memory after its first fifth, at its end, how fast it rises; and its peak beside the short's."""
    replaying = [sample for sample in long.samples if not sample.is_reporting]
    settled, at_the_end = (median_mb(replaying, long.outcome.frames, *part) for part in (SETTLED, AT_THE_END))
    later = [sample for sample in replaying if sample.frames >= SETTLED[0] * long.outcome.frames]
    return {
        "part": "memory",
        "bag": LONG,
        "frames": long.outcome.frames,
        "wall_s": long.wall_s,
        "cpu_s": long.cpu_s,
        "report_s": report_s(long),
        "realtime_factor": realtime_factor(long),
        "peak_mb": peak_mb(long),
        "settled_mb": settled,
        "end_mb": at_the_end,
        "growth_mb": None if settled is None or at_the_end is None else at_the_end - settled,
        "longer_mb": peak_mb(long) - statistics.median(short_peaks_mb),
        "slope_mb_per_min": _slope(later),
    }


def realtime_factor(done: Watched) -> float:
    """How much faster than the camera."""
    return done.outcome.frames / RATE_HZ / done.wall_s


def report_s(done: Watched) -> float:
    """From its beginning to the end."""
    began = [sample.usage.at_s for sample in done.samples if sample.is_reporting]
    return done.samples[-1].usage.at_s - began[0] if began else 0.0


def peak_mb(done: Watched) -> float:
    """Of all samples."""
    return max(sample.usage.resident_mb for sample in done.samples)


def median_mb(samples: Sequence[Sample], frames: int, begin: float, end: float) -> float | None:
    """Between these shares of the frames; None where the replay was too fast for a sample."""
    inside = [one.usage.resident_mb for one in samples if begin * frames <= one.frames <= end * frames]
    return statistics.median(inside) if inside else None


def _slope(samples: Sequence[Sample]) -> float | None:
    """Megabytes for each minute of the bag."""
    minutes = np.array([sample.frames / RATE_HZ / 60.0 for sample in samples])
    if len(np.unique(minutes)) < 2:
        return None
    return float(np.polyfit(minutes, [sample.usage.resident_mb for sample in samples], 1)[0])


def targets(rows: Sequence[dict[str, Any]]) -> dict[str, Target]:
    """The slower of the timed bags; the larger of both measures of memory."""
    factors = [row["realtime_factor"] for row in rows if row["part"] == "speed"]
    grown = [row[key] for row in rows if row["part"] == "memory" for key in ("growth_mb", "longer_mb")]
    return {
        "replay.realtime_factor": Target(min(factors, default=None), 5.0, ">="),
        "replay.memory_growth_mb": Target(max(grown) if grown and None not in grown else None, 50.0),
    }
