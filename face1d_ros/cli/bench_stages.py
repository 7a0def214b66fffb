"""`face1d bench stages`: each stage alone."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.progress import Progress

from face1d_ros.cli.bench_pipeline import NOT_HERE, Bar, Rows, chosen
from face1d_ros.cli.interrupts import Check, interrupted_between_frames
from face1d_ros.cli.options import JSON, STAGES_TO_RUN, node_options_without, take_overrides
from face1d_ros.cli.pipeline_timing import PACED_WARM_UP_FRAMES, STAMPS_HZ, Turn, paced, turn_of
from face1d_ros.cli.stage_sides import StageSide, images_sha256, recorded_inputs
from face1d_ros.cli.tables import print_measurement, rows_table, wide_console
from face1d_ros.config import LandmarksConfig, build
from face1d_ros.detect.quiet_start import quiet_start
from face1d_ros.evaluate.measurement import Measurement, conditions
from face1d_ros.graph import LANDMARKS, STAGES, NodeSpec
from face1d_ros.sources.portrait import AnimatedPortrait

IMAGES = 90
PACES_HZ = (30.0, 60.0)
WARM_UP_FRAMES = 15


@click.command("stages")
@JSON
@click.option("--rounds", type=click.IntRange(5, 1000), default=11, show_default=True, help="Of the tight loop.")
@click.option("--frames", type=click.IntRange(2, 10_000), default=60, show_default=True, help="Of a stage in a round.")
@click.option("--paced-frames", type=click.IntRange(2, 100_000), default=300, show_default=True, help="At each pace.")
@STAGES_TO_RUN
@node_options_without(*NOT_HERE)
def command(path: str | None, rounds: int, frames: int, paced_frames: int, stages: str, **options: object) -> None:
    """Time each stage alone, on what the stage before it has made of the animated portrait at 640×480.

    The inputs are recorded first, by all stages; then each stage has them on and on, forwards and backwards in turn,
    and nothing else runs between its frames.

    At camera pace: percentiles of frames at 30 and 60 Hz with sleeps between; cpu_percent is of one core, at that pace.
    Tight loop: ms is the median over the rounds of each block's median, fps the median of a block's frames by its
    time. All stages take turns in each round. cpu_ms is the processor's time in all threads, a frame's mean.

    About two minutes with all stages.
    """
    overrides = take_overrides(options)
    configs = {
        spec.name: build(spec.config, overrides[spec.name], spec.name) for spec in STAGES if spec.name in overrides
    }
    measurement = measure(chosen(stages, configs), configs, rounds, frames, paced_frames)
    wide_console().print(rows_table(Measurement("", {}, measurement.part("paced")), "At camera pace, milliseconds"))
    shown = Measurement(measurement.command, measurement.conditions, measurement.part("tight"))
    print_measurement(shown, "Tight loop, one frame")
    for stage, model in measurement.conditions["models"].items():
        click.echo(f"{stage}: {model}")
    if path:
        measurement.write_json(path)
        click.echo(f"wrote {path}")


def measure(
    specs: Sequence[NodeSpec], configs: Mapping[str, Any], rounds: int, frames: int, paced_frames: int
) -> Measurement:
    """The tight loop of all stages by turns, then each of them at camera pace."""
    images = [frame.image for frame in AnimatedPortrait(length=IMAGES, rate_hz=STAMPS_HZ).frames()]
    configs = {LANDMARKS.name: LandmarksConfig(max_faces=1), **configs}
    with ExitStack() as stack:
        check = stack.enter_context(interrupted_between_frames())
        progress = stack.enter_context(Progress(console=Console(stderr=True), transient=True))
        bar = bar_of(progress, check)
        progress.add_task("recording the inputs", total=None)
        with quiet_start():
            inputs = recorded_inputs(images, specs, configs, STAMPS_HZ)
            made = (StageSide(spec, configs.get(spec.name) or spec.config(), inputs[spec.stage]) for spec in specs)
            sides = [stack.enter_context(closing(side)) for side in made]
            for side in sides:
                turn_of(side, WARM_UP_FRAMES, check)
                side.found.clear()
        for side in sides:
            if side.notice():
                progress.console.print(f"{side.parts[0]}: {side.notice()}", style="yellow")
        rows = tight_rows(sides, rounds, frames, bar)
        for side in sides:
            rows += paced_rows(side, paced_frames, bar)
    under = conditions(
        data_sha256=images_sha256(images),
        stages=[spec.stage for spec in specs],
        settings={name: asdict(config) for name, config in configs.items()},
        models={side.parts[0]: side.model for side in sides},
        rounds=rounds,
        frames_a_round=frames,
        paced_frames=paced_frames,
        interleaved="blocks of frames in the tight loop; alone at camera pace",
        image="640×480, one face",
        load_average_1min=os.getloadavg()[0],
    )
    return Measurement("bench stages", under, rows)


def bar_of(progress: Progress, check: Check) -> Bar:
    """Bars whose every step also looks whether Ctrl-C was pressed."""

    def bar(name: str, total: int) -> Any:
        task = progress.add_task(name, total=total)

        def advance() -> None:
            check()
            progress.advance(task)

        return advance

    return bar


def tight_rows(sides: Sequence[StageSide], rounds: int, frames: int, bar: Bar) -> Rows:
    """A row for each stage; they take turns, so that a disturbance of the machine meets each of them."""
    turns: dict[str, list[Turn]] = {side.parts[0]: [] for side in sides}
    advance = bar("tight loop", rounds * len(sides))
    for _ in range(rounds):
        for side in sides:
            turns[side.parts[0]].append(turn_of(side, frames, lambda: None))
            advance()
    return [{"part": "tight", "what": side.parts[0], **_tight(turns[side.parts[0]]), **_found(side)} for side in sides]


def _tight(turns: Sequence[Turn]) -> dict[str, float]:
    ms = [float(np.median(turn.wall_s)) * 1e3 for turn in turns]
    return {
        "ms": float(np.median(ms)),
        "ms_spread": max(ms) - min(ms),
        "fps": float(np.median([1.0 / turn.wall_s.mean() for turn in turns])),
        "cpu_ms": float(np.median([turn.cpu_s.mean() for turn in turns])) * 1e3,
    }


def _found(side: StageSide) -> dict[str, float]:
    return {"found": float(np.mean(side.found))}


def paced_rows(side: StageSide, frames: int, bar: Bar) -> Rows:
    """A row for each pace."""
    rows: Rows = []
    for rate_hz in PACES_HZ:
        advance = bar(f"{side.parts[0]} at {rate_hz:g} Hz", PACED_WARM_UP_FRAMES + frames)
        (took,), kept_hz = paced([side], frames, rate_hz, advance)
        p50, p95, p99 = (np.percentile(took.wall_s, (50, 95, 99)) * 1e3).tolist()
        row = {"part": "paced", "what": side.parts[0], "pace": f"{rate_hz:g} Hz", "kept_hz": kept_hz}
        row |= {"p50_ms": p50, "p95_ms": p95, "p99_ms": p99}
        rows.append({**row, "cpu_ms": took.cpu_s * 1e3, "cpu_percent": 100.0 * took.cpu_s * kept_hz})
    return rows
