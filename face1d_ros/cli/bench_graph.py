"""`face1d bench graph`: what ROS adds to the detector's time, from an image's publication to its landmarks' arrival.

Three processes: a camera of frames rendered before, the landmarks node with its defaults, and a listener.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from face1d_ros.cli.processes import child
from face1d_ros.cli.supervisor import Child, Supervisor
from face1d_ros.cli.tables import print_measurement
from face1d_ros.errors import ProcessError
from face1d_ros.evaluate.measurement import Measurement, Row, Target, conditions
from face1d_ros.graph import BENCH, LANDMARKS
from face1d_ros.start import Start

NAMESPACE = "/face1d_bench"
DOMAINS = (1, 101)
"""Domain ids whose ports are free on every system; one of its own keeps the measurement out of a robot's graph."""
AGES = ("p50", "p99", "max")
SHOWN = (
    *("images", "answered", "lost", "dropped", "exact", "added_p50_ms", "added_p99_ms", "detector_p50_ms"),
    *("age_first_third_ms", "age_last_third_ms", "age_slope_ms_per_s"),
)
"""Columns of the printed table; the JSON has all."""
CAMERA, LISTENER = "camera", "listener"


@dataclass(frozen=True)
class Case:
    """What the camera does."""

    width: int
    height: int
    rate_hz: float

    @property
    def name(self) -> str:
        """As in the table."""
        return f"{self.width}x{self.height} at {self.rate_hz:g} Hz"


TARGET_CASE, HD_CASE = Case(640, 480, 30.0), Case(1280, 720, 30.0)
FLOOD_CASE, HD_FLOOD_CASE = Case(640, 480, 120.0), Case(1280, 720, 120.0)
CASES = (TARGET_CASE, HD_CASE, FLOOD_CASE, HD_FLOOD_CASE)
STEADY_MS_PER_S = 5.0
"""Ages that rise more slowly do not pile up: a queue of which one image in a hundred is not worked off grows by twice
that."""
TARGETS: tuple[tuple[str, Case, str, float, str], ...] = (
    ("graph.answered_30hz", TARGET_CASE, "answered", 0.99, ">="),
    ("graph.added_age_p50_ms", TARGET_CASE, "added_p50_ms", 4.0, "<="),
    ("graph.added_age_p99_ms", TARGET_CASE, "added_p99_ms", 15.0, "<="),
    ("graph.answered_30hz_720p", HD_CASE, "answered", 0.99, ">="),
    ("graph.exact_120hz", FLOOD_CASE, "exact", 1.0, ">="),
    ("graph.age_slope_120hz_ms_per_s", FLOOD_CASE, "age_slope_ms_per_s", STEADY_MS_PER_S, "<="),
    ("graph.exact_120hz_720p", HD_FLOOD_CASE, "exact", 1.0, ">="),
    ("graph.age_slope_120hz_720p_ms_per_s", HD_FLOOD_CASE, "age_slope_ms_per_s", STEADY_MS_PER_S, "<="),
)
"""Key, case, column, limit and sign of each verdict."""


@click.command("graph")
@click.option("--json", "path", type=click.Path(dir_okay=False), help="Write the measurement to this file.")
@click.option("--frames", type=click.IntRange(30, 100_000), default=1000, show_default=True, help="Of each case.")
def command(path: str | None, frames: int) -> None:
    """Time the way of an image through the graph: at 30 Hz, and flooded at 120 Hz.

    Added age is the time from publishing an image to receiving its landmarks, without the detector's own. Lost images
    never reached the node; dropped ones were overtaken in it. Exact: the counts in the messages explain every image.
    Slope: how fast the age rises, which it does where images pile up. Takes about two minutes.
    """
    measurement = measure(frames, CASES)
    rows = [{key: row[key] for key in SHOWN} for row in measurement.rows]
    print_measurement(dataclasses.replace(measurement, rows=rows), "Image published → landmarks received")
    if path:
        measurement.write_json(path)
        click.echo(f"wrote {path}")


def measure(frames: int, cases: tuple[Case, ...]) -> Measurement:
    """Run the cases one after the other, each in processes of its own."""
    rows = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, transient=True, disable=not sys.stdout.isatty()) as progress:
        for case in cases:
            task = progress.add_task(case.name, total=frames)
            run = _Run(frames, partial(_advance, progress, task))
            if not sys.stdout.isatty():
                click.echo(f"{case.name}: {frames} frames")
            asyncio.run(run.run(case))
            rows.append(evaluate(case, run.published, run.results))
    return Measurement("bench graph", conditions(frames=frames, rmw="as set, else Fast DDS"), rows, targets(rows))


def _advance(progress: Progress, task: TaskID, count: int) -> None:
    progress.update(task, completed=count)


class _Run:
    """One case: the processes, and what both ends say."""

    def __init__(self, frames: int, on_progress: Callable[[int], None]) -> None:
        self._frames = frames
        self._on_progress = on_progress
        self._said: dict[str, dict[str, Any]] = {}
        self._trouble: list[str] = []
        self._supervisor: Supervisor | None = None

    @property
    def published(self) -> list[int]:
        """Stamps in ns."""
        stamps: list[int] = self._said[CAMERA]["stamps_ns"]
        return stamps

    @property
    def results(self) -> list[Result]:
        """What the listener has seen."""
        said = self._said[LISTENER]
        return [Result(**dict(zip(said["columns"], values, strict=True))) for values in said["results"]]

    async def run(self, case: Case) -> None:
        """Until the camera is done. Raises ProcessError, or KeyboardInterrupt after a Ctrl-C."""
        domain = {
            "ROS_DOMAIN_ID": str(random.randint(*DOMAINS)),
            "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        }
        settings = {"width": case.width, "height": case.height, "rate_hz": case.rate_hz, "frames": self._frames}
        children = [
            _child(Start(LANDMARKS, namespace=NAMESPACE), LANDMARKS.stage, domain),
            _child(Start(BENCH, {"role": LISTENER}, namespace=NAMESPACE), LISTENER, domain),
            _child(Start(BENCH, {"role": CAMERA, **settings}, namespace=NAMESPACE), CAMERA, domain),
        ]
        self._supervisor = Supervisor(children, self._line, self._event)
        code = await self._supervisor.run()
        if CAMERA in self._said and LISTENER in self._said:
            return
        if code == 0:
            raise KeyboardInterrupt
        raise ProcessError("the measurement ended early:\n" + "\n".join(self._trouble[-10:]))

    def _line(self, name: str, line: str) -> None:
        if not line.startswith('{"type"'):
            self._trouble.append(f"{name}: {line}")
            return
        message = json.loads(line)
        if message["type"] == "done":
            self._said[message["role"]] = message
        elif name == CAMERA:
            self._on_progress(min(message["count"], self._frames))

    def _event(self, name: str, text: str) -> None:
        if name == CAMERA and text == "finished" and self._supervisor is not None:
            self._supervisor.stop()
        elif not text.startswith("started"):
            self._trouble.append(f"{name} {text}")


def _child(start: Start, name: str, domain: dict[str, str]) -> Child:
    made = child(start, restart=False)
    return dataclasses.replace(made, name=name, environment={**made.environment, **domain})


@dataclass(frozen=True)
class Result:
    """One landmarks message, as the listener saw it."""

    purpose: str
    stamp_ns: int
    received_ns: int
    duration_s: float
    received: int
    used: int
    dropped: int
    faces: int

    @property
    def age_ms(self) -> float:
        """From the image's publication to this."""
        return (self.received_ns - self.stamp_ns) * 1e-6


@dataclass
class _Counts:
    """What the node counted between the warm-up and the last image, both not included."""

    received: int | None = None
    dropped: int | None = None
    exact: bool = False


def evaluate(case: Case, published: list[int], results: list[Result]) -> Row:
    """A row of the table. `published` are the stamps of the measured images."""
    measured = [result for result in results if result.purpose == "measured"]
    answered = {result.stamp_ns for result in measured} & set(published)
    counts = _counts(results)
    ages_ms = np.array([result.age_ms for result in measured])
    detector_ms = np.array([result.duration_s * 1e3 for result in measured])
    row: dict[str, Any] = {
        "images": case.name,
        "published": len(published),
        "answered": len(answered) / max(len(published), 1),
        "lost": None if counts.received is None else len(published) - counts.received,
        "dropped": counts.dropped,
        "exact": counts.exact,
        "with_face": sum(result.faces > 0 for result in measured) / max(len(measured), 1),
    }
    for name, values in (("added", ages_ms - detector_ms), ("age", ages_ms), ("detector", detector_ms)):
        row |= {f"{name}_{kind}_ms": value for kind, value in zip(AGES, _spread(values), strict=True)}
    return row | _growth(measured, ages_ms)


def targets(rows: list[Row]) -> dict[str, Target]:
    """Of each case: at 30 Hz every image is answered, in a flood none is lost track of and nothing piles up."""
    by_case = {row["images"]: row for row in rows}
    return {
        key: Target(_number(by_case.get(case.name, {}).get(column)), limit, sign)
        for key, case, column, limit, sign in TARGETS
    }


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _counts(results: list[Result]) -> _Counts:
    """Exact: in every message received = used + dropped, used rises by one, and drops explain every other image."""
    first = [result for result in results if result.purpose == "warm_up"][-1:]
    last = [result for result in results if result.purpose == "last"][:1]
    if not first or not last:
        return _Counts()
    balanced = all(result.received == result.used + result.dropped for result in results)
    between = [result for result in results if result.purpose == "measured"]
    one_by_one = last[0].used - first[0].used == len(between) + 1
    return _Counts(
        received=last[0].received - first[0].received - 1,
        dropped=last[0].dropped - first[0].dropped,
        exact=balanced and one_by_one,
    )


def _growth(measured: list[Result], ages_ms: NDArray[np.float64]) -> dict[str, float | None]:
    """Median age of the first and last third, and how fast it rises (robust: median of the slopes, Theil-Sen)."""
    if len(measured) < 3:
        return {"age_first_third_ms": None, "age_last_third_ms": None, "age_slope_ms_per_s": None}
    third = len(ages_ms) // 3
    times_s = np.array([result.stamp_ns for result in measured]) * 1e-9
    thin = slice(None, None, max(1, len(ages_ms) // 300))
    x, y = times_s[thin] - times_s[0], ages_ms[thin]
    later = np.triu_indices(len(x), 1)
    slopes = (y[later[1]] - y[later[0]]) / np.maximum(x[later[1]] - x[later[0]], 1e-9)
    return {
        "age_first_third_ms": float(np.median(ages_ms[:third])),
        "age_last_third_ms": float(np.median(ages_ms[-third:])),
        "age_slope_ms_per_s": float(np.median(slopes)),
    }


def _spread(values: NDArray[np.float64]) -> list[float | None]:
    return np.percentile(values, (50, 99, 100)).tolist() if len(values) else [None] * len(AGES)
