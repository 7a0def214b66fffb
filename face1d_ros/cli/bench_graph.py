"""`face1d bench graph`: images through the nodes, between processes, in the manner of ros2_benchmark.

First the landmarks node alone, between a camera of frames rendered before and a listener: what ROS adds to the
detector's time. Then all stages, each in a process of its own, between the same two ends.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from face1d_ros.cli.graph_cases import CASES, SHOWN, Case, Result, evaluate, targets
from face1d_ros.cli.graph_chain import FIXED, ChainRun, Plan, Take, highest_row, process_rows, stage_rows
from face1d_ros.cli.graph_processes import CAMERA, LISTENER, GraphRun
from face1d_ros.cli.options import JSON
from face1d_ros.cli.tables import print_measurement, rows_table, wide_console
from face1d_ros.errors import InvalidValueError
from face1d_ros.evaluate.measurement import Measurement, conditions
from face1d_ros.evaluate.rate_search import HIGHEST_HZ
from face1d_ros.graph import BENCH, LANDMARKS, STAGES, NodeSpec, check_chain
from face1d_ros.start import Start

Bar: TypeAlias = Callable[[str, int], Callable[[int], None]]
"""A bar of this name and length; what it gives says how far it is."""
PARTS = ("landmarks", "stages")
STAGE_COLUMNS = (
    *("pace", "what", "kept_hz", "loss", "dropped", "age_p50_ms", "age_p95_ms", "age_p99_ms"),
    *("age_p50_ms_spread", "age_p99_ms_spread", "stage_p50_ms"),
)


@click.command("graph")
@JSON
@click.option("--frames", type=click.IntRange(30, 100_000), default=1000, show_default=True, help="Of each case.")
@click.option("--only", type=click.Choice(PARTS), help="This part alone.")
@click.option(
    "--stages",
    metavar="NAMES",
    default="",
    help=f"Of the chain, with commas between, of: {', '.join(spec.stage for spec in STAGES)}. [default: all]",
)
@click.option("--rates", metavar="HZ", default="10,30,60", show_default=True, help="Of the chain, with commas between.")
@click.option("--highest/--no-highest", default=True, show_default=True, help="Search the highest rate of the chain.")
@click.option("--rounds", type=click.IntRange(1, 1000), default=3, show_default=True, help="Of the chain.")
@click.option(
    "--seconds", type=click.FloatRange(0.5, 60.0), default=10.0, show_default=True, help="Of each rate in a round."
)
def command(path: str | None, frames: int, only: str | None, **of_the_chain: Any) -> None:
    """Time the way of an image through the graph: the landmarks node alone, then the chain of all stages.

    Landmarks: at 30 Hz, and flooded at 120 Hz, at two sizes. Added age is the time from publishing an image to
    receiving its landmarks, without the detector's own. Lost images never reached the node; dropped ones were
    overtaken in it. Exact: the counts in the messages explain every image. Slope: how fast the age rises, which it
    does where images pile up. About two minutes.

    Stages: each in its own process, images of 640×480 at fixed rates, then the highest rate at which under 5 % of the
    images lack a result (found by halving, to 3 %), and all of it again for each round. Results are matched with their
    images by stamp. Age is from an image's publication to the receipt of a stage's result; 'all stages' is the last
    of a frame's results. Medians over the rounds; spread is the largest minus the least. CPU is in percent of one core
    and memory resident, from /proc. About a minute and a half a round; --seconds shortens it.
    """
    plan = Plan(chosen(of_the_chain["stages"]), rates(of_the_chain["rates"]), *_rest(of_the_chain))
    measurement = measure(frames, CASES if only != "stages" else (), plan if only != "landmarks" else None)
    _print(measurement)
    if path:
        measurement.write_json(path)
        click.echo(f"wrote {path}")


def _rest(of_the_chain: dict[str, Any]) -> tuple[float, int, bool]:
    return of_the_chain["seconds"], of_the_chain["rounds"], of_the_chain["highest"]


def chosen(names: str) -> tuple[NodeSpec, ...]:
    """The stages of these names, as they are by default; all for ''."""
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    known = [spec.stage for spec in STAGES]
    for name in wanted:
        if name not in known:
            raise InvalidValueError("stages", name, f"some of {', '.join(known)}")
    specs = tuple(spec.configured(spec.config()) for spec in STAGES if not wanted or spec.stage in wanted)
    if specs[0].name != LANDMARKS.name:
        raise InvalidValueError("stages", names, f"also {LANDMARKS.stage}: the chain begins with an image")
    check_chain(specs)
    return specs


def rates(text: str) -> tuple[float, ...]:
    """Some rates, each once, rising."""
    try:
        found = sorted({float(part) for part in text.split(",")})
    except ValueError:
        found = []
    if not found or not all(1.0 <= rate_hz <= HIGHEST_HZ for rate_hz in found):
        raise InvalidValueError("rates", text, f"numbers from 1 to {HIGHEST_HZ:g} with commas between")
    return tuple(found)


def measure(frames: int, cases: tuple[Case, ...], plan: Plan | None = None) -> Measurement:
    """Run the cases one after the other, each in processes of its own, and then the plan."""
    rows: list[dict[str, Any]] = []
    under: dict[str, Any] = {"frames": frames, "rmw": "as set, else Fast DDS"}
    with _bars() as bar:
        for case in cases:
            rows.append(_run_case(case, frames, bar(case.name, frames)))
        if plan is not None:
            run = ChainRun(plan, _told_by(plan, bar))
            run.run()
            rows += _chain_rows(run, plan)
            under |= {
                "stages": [spec.stage for spec in plan.specs],
                "rates_hz": plan.rates_hz,
                "seconds": plan.seconds,
                "rounds": plan.rounds,
                "image": f"{plan.width}×{plan.height}, one face",
                "data_sha256": run.images_sha256,
            }
    return Measurement("bench graph", conditions(**under), rows, targets(rows) if cases else {})


def _chain_rows(run: ChainRun, plan: Plan) -> list[dict[str, Any]]:
    takes = [*run.takes.values()]
    rows = [*stage_rows(takes, plan.specs), *process_rows(takes)]
    return [*rows, highest_row(run.highest_hz, takes)] if plan.highest else rows


def _run_case(case: Case, frames: int, advance: Callable[[int], None]) -> dict[str, Any]:
    """One case: the processes, and what both ends say."""
    said: dict[str, dict[str, Any]] = {}

    def on_message(name: str, message: dict[str, Any]) -> None:
        if message["type"] == "done":
            said[message["role"]] = message
        elif name == CAMERA:
            advance(min(message["count"], frames))

    settings = {"width": case.width, "height": case.height, "rate_hz": case.rate_hz, "frames": frames}
    starts = {
        LANDMARKS.stage: Start(LANDMARKS),
        LISTENER: Start(BENCH, {"role": LISTENER}),
        CAMERA: Start(BENCH, {"role": CAMERA, **settings}),
    }
    GraphRun(starts, on_message).run(lambda: CAMERA in said and LISTENER in said)
    heard = said[LISTENER]
    results = [Result(**dict(zip(heard["columns"], values, strict=True))) for values in heard["results"]]
    return dict(evaluate(case, said[CAMERA]["stamps_ns"], results))


@contextmanager
def _bars() -> Iterator[Bar]:
    """Where the output is no terminal, a line for each in place of a bar."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, transient=True, disable=not sys.stdout.isatty()) as progress:

        def bar(name: str, total: int) -> Callable[[int], None]:
            task = progress.add_task(name, total=total)
            if not sys.stdout.isatty():
                click.echo(f"{name}: {total} frames")
            return lambda done: progress.update(task, completed=done)

        yield bar


def _told_by(plan: Plan, bar: Bar) -> Callable[[Take], None]:
    """A line or bar for each take as it begins; the one before it has ended."""
    ended: list[Callable[[], None]] = []

    def tell(take: Take) -> None:
        while ended:
            ended.pop()()
        what = f"{take.rate_hz:.4g} Hz" if take.kind == FIXED else f"highest rate: {take.rate_hz:.4g} Hz"
        advance = bar(f"round {take.round + 1} of {plan.rounds}, {what}", take.frames)
        ended.append(lambda: advance(take.frames))

    return tell


def _print(measurement: Measurement) -> None:
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in measurement.rows:
        rows.setdefault(str(row["part"]), []).append({key: row[key] for key in row if key != "part"})
    console = wide_console()
    if "stages" in rows:
        ages = [{key: row[key] for key in STAGE_COLUMNS} for row in rows["stages"]]
        console.print(
            rows_table(Measurement("", {}, ages), "Each stage in a process: image published → result received")
        )
        console.print(rows_table(Measurement("", {}, rows["processes"]), "The processes"))
    if "highest" in rows:
        console.print(rows_table(Measurement("", {}, rows["highest"]), "Highest rate"))
    shown = [{key: row[key] for key in SHOWN} for row in rows.get("landmarks", [])]
    whole = Measurement(measurement.command, measurement.conditions, shown, measurement.targets)
    print_measurement(whole, "Image published → landmarks received" if shown else "")
