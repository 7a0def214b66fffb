"""`face1d bench pipeline`: all stages in one process, beside bare MediaPipe."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict
from typing import Any, TypeAlias

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from face1d_ros.cli.interrupts import interrupted_between_frames
from face1d_ros.cli.options import JSON, STAGES_TO_RUN, node_options_without, take_overrides
from face1d_ros.cli.pipeline_sides import BARE, OVERLAPPED, WHOLE
from face1d_ros.cli.pipeline_timing import (
    PACED_WARM_UP_FRAMES,
    STAMPS_HZ,
    Advance,
    Contest,
    Turn,
    frames_of_a_run,
    paced,
)
from face1d_ros.cli.tables import print_measurement, rows_table, wide_console
from face1d_ros.config import CameraConfig, LandmarksConfig, build, settings
from face1d_ros.detect.quiet_start import quiet_start
from face1d_ros.errors import InvalidValueError
from face1d_ros.evaluate.measurement import Measurement, Target, conditions
from face1d_ros.graph import CAMERA, IMAGE, STAGES, NodeSpec, check_chain
from face1d_ros.sources.portrait import AnimatedPortrait

Rows: TypeAlias = list[dict[str, Any]]
Bar: TypeAlias = Callable[[str, int], Advance]
"""A bar of this name and length."""
IMAGES = 30
WARM_UP_FRAMES = 15
PACES_HZ = (30.0, 60.0)
MAX_FACES = (1, LandmarksConfig().max_faces)
"""One face is there: it alone is looked for, and as many as by default."""
NOT_HERE = (
    *(f"{CAMERA.stage}.{setting.name}" for setting in settings(CameraConfig)),
    "landmarks.transport",
    "landmarks.on_demand",
    "landmarks.max_faces",
)
"""Settings that no stage uses, and the one that the cases set."""


@click.command("pipeline")
@JSON
@click.option("--rounds", type=click.IntRange(5, 1000), default=11, show_default=True, help="Of the tight loop.")
@click.option("--frames", type=click.IntRange(2, 10_000), default=30, show_default=True, help="Of a side in a round.")
@click.option("--paced-frames", type=click.IntRange(2, 100_000), default=300, show_default=True, help="At each pace.")
@STAGES_TO_RUN
@node_options_without(*NOT_HERE)
def command(path: str | None, rounds: int, frames: int, paced_frames: int, stages: str, **options: object) -> None:
    """Time all stages in one process, and bare MediaPipe on the same frames.

    One face, the animated portrait at 640×480; it alone is looked for, and then as many as by default. From the image
    to the last stage's result, arrays handed over directly; no ROS, no messages.
    Bare MediaPipe is `mediapipe.solutions.face_mesh.FaceMesh(...).process(image)`, and nothing done with what it finds.

    Tight loop: in each round all have their turn with a block of frames, the one and the other side first in turn. ms
    is the median over the rounds of each block's median, fps the median over the rounds of a block's frames by its
    time, fps_ratio (ours / bare) the median over the rounds. found are the faces in a frame.

    At camera pace: percentiles of frames at 30 and 60 Hz with sleeps between, both sides by turns within each frame's
    time. kept_hz is lower than the pace where the machine was too slow for both.

    'all stages' are one after the other. 'all stages, overlapped' is what `face1d run --as-fast-as-possible` does: the
    first stage works in a thread of its own, ahead of the others. Its fps is the frames that came out in a block's
    time, in the steady state, and its ms that turned round.

    cpu_ms is the processor's time in all threads, a frame's mean. Where other programs compete for the processor it
    says more than the clock. Targets are of all stages with default settings, overlapped, and of the worse of both
    cases.
    """
    overrides = take_overrides(options)
    configs = {
        spec.name: build(spec.config, overrides[spec.name], spec.name) for spec in STAGES if spec.name in overrides
    }
    measurement = measure(chosen(stages, configs), configs, rounds, frames, paced_frames)
    wide_console().print(rows_table(Measurement("", {}, measurement.part("paced")), "At camera pace, milliseconds"))
    shown = Measurement(measurement.command, measurement.conditions, measurement.part("tight"), measurement.targets)
    print_measurement(shown, "Tight loop, one frame, beside bare MediaPipe")
    for stage, model in measurement.conditions["models"].items():
        click.echo(f"{stage}: {model}")
    if path:
        measurement.write_json(path)
        click.echo(f"wrote {path}")


def chosen(stages: str, configs: Mapping[str, Any]) -> tuple[NodeSpec, ...]:
    """The stages of these names as they are configured, in the order of the graph; all for ''."""
    names = [name.strip() for name in stages.split(",") if name.strip()]
    known = [spec.stage for spec in STAGES]
    for name in names:
        if name not in known:
            raise InvalidValueError("stages", name, f"some of {', '.join(known)}")
    specs = tuple(
        spec.configured(configs.get(spec.name) or spec.config()) for spec in STAGES if not names or spec.stage in names
    )
    if specs[0].subscribes[0] != IMAGE:
        first = ", ".join(spec.stage for spec in STAGES if spec.subscribes[0] == IMAGE)
        raise InvalidValueError("stages", stages, f"also {first}: the measurement begins with an image")
    check_chain(specs)
    return specs


def measure(
    specs: Sequence[NodeSpec], configs: Mapping[str, Any], rounds: int, frames: int, paced_frames: int
) -> Measurement:
    """The tight loop of all cases by turns, then each of them at camera pace."""
    images = [frame.image for frame in AnimatedPortrait(length=IMAGES, rate_hz=STAMPS_HZ).frames()]
    with ExitStack() as stack:
        check = stack.enter_context(interrupted_between_frames())
        progress = stack.enter_context(Progress(console=Console(stderr=True), transient=True))
        contests = []
        loading = progress.add_task("loading the models", total=None)
        with quiet_start():
            for max_faces in MAX_FACES:
                contests.append(stack.enter_context(closing(Contest(images, specs, configs, max_faces))))
                contests[-1].warm_up(WARM_UP_FRAMES, check)
        progress.remove_task(loading)
        for stage, notice in contests[0].ours.notices().items():
            progress.console.print(f"{stage}: {notice}", style="yellow")

        def bar(name: str, total: int) -> Advance:
            task = progress.add_task(name, total=total)

            def advance() -> None:
                check()
                progress.advance(task)

            return advance

        rows = tight_rows(contests, rounds, frames, bar)
        for contest in contests:
            rows += paced_rows(contest, paced_frames, bar)
        models = contests[0].ours.models
    under = conditions(
        stages=[spec.stage for spec in specs],
        settings={name: asdict(config) for name, config in configs.items()},
        models=models,
        rounds=rounds,
        frames_a_round=frames,
        paced_frames=paced_frames,
        interleaved="blocks of frames in the tight loop, frames at camera pace",
        image="640×480, one face",
        load_average_1min=os.getloadavg()[0],
    )
    standard = len(specs) == len(STAGES) and not configs
    return Measurement("bench pipeline", under, rows, targets(rows if standard else []))


def tight_rows(contests: Sequence[Contest], rounds: int, frames: int, bar: Bar) -> Rows:
    """The contests take turns, so that a disturbance of the machine meets each of them."""
    advance = bar("tight loop", rounds * len(contests) * frames_of_a_run(frames))
    for _ in range(rounds):
        for contest in contests:
            contest.run(frames, advance)
    return [row for contest in contests for row in (*tight_rows_of(contest), overlapped_row(contest))]


def overlapped_row(contest: Contest) -> dict[str, Any]:
    """All stages in two threads; the ratio is that to bare MediaPipe's block of the same round."""
    wall_s = np.array([throughput.wall_s for throughput in contest.overlapped])
    bare_fps = _fps([bare for bare, _ in contest.rounds])[:, -1]
    return {
        "part": "tight",
        "looked_for": contest.max_faces,
        "what": OVERLAPPED,
        "ms": float(np.median(wall_s)) * 1e3,
        "cpu_ms": float(np.median([throughput.cpu_s for throughput in contest.overlapped])) * 1e3,
        "percent_of_ours": None,
        "fps": float(np.median(1.0 / wall_s)),
        "fps_ratio": float(np.median(1.0 / wall_s / bare_fps)),
        "found": float(np.mean(contest.ours.found)),
    }


def tight_rows_of(contest: Contest) -> Rows:
    """A row for each part of either side, one stage after the other."""
    bare, ours = zip(*contest.rounds, strict=True)
    ratio = float(np.median(_fps(ours)[:, -1] / _fps(bare)[:, -1]))
    rows: Rows = []
    for side, turns in zip(contest.sides, (bare, ours), strict=True):
        ms = np.median([np.median(turn.wall_s, axis=0) for turn in turns], axis=0) * 1e3
        cpu_ms = np.median([turn.cpu_s.mean(axis=0) for turn in turns], axis=0) * 1e3
        for index, part in enumerate(side.parts):
            is_side = part in (BARE, WHOLE)
            rows.append(
                {
                    "part": "tight",
                    "looked_for": contest.max_faces,
                    "what": part,
                    "ms": ms[index],
                    "cpu_ms": cpu_ms[index],
                    "percent_of_ours": 100.0 * ms[index] / ms[-1] if side is contest.ours else None,
                    "fps": float(np.median(_fps(turns)[:, index])) if is_side else None,
                    "fps_ratio": ratio if part == WHOLE else None,
                    "found": float(np.mean(side.found)) if is_side else None,
                }
            )
    return rows


def _fps(turns: Sequence[Turn]) -> NDArray[np.float64]:
    """(rounds, P) frames a second of each block."""
    return np.array([1.0 / turn.wall_s.mean(axis=0) for turn in turns])


def paced_rows(contest: Contest, frames: int, bar: Bar) -> Rows:
    """A row for each pace and part of either side."""
    rows: Rows = []
    for rate_hz in PACES_HZ:
        advance = bar(f"at {rate_hz:g} Hz, {contest.max_faces} looked for", PACED_WARM_UP_FRAMES + frames)
        taken, kept_hz = paced(contest.sides, frames, rate_hz, advance)
        for side, took in zip(contest.sides, taken, strict=True):
            where = {"part": "paced", "looked_for": contest.max_faces, "pace": f"{rate_hz:g} Hz", "kept_hz": kept_hz}
            for index, part in enumerate(side.parts):
                p50, p95, p99 = (np.percentile(took.wall_s[:, index], (50, 95, 99)) * 1e3).tolist()
                cpu_ms = took.cpu_s * 1e3 if part in (BARE, WHOLE) else None
                rows.append({**where, "what": part, "p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "cpu_ms": cpu_ms})
    return rows


def targets(rows: Rows) -> dict[str, Target]:
    """Of all stages, overlapped: the worse case's; not known where there is none."""
    whole = [row for row in rows if row["part"] == "tight" and row["what"] == OVERLAPPED]
    fps, ratio = (min((row[key] for row in whole), default=None) for key in ("fps", "fps_ratio"))
    return {"pipeline.fps": Target(fps, 165.0, ">="), "pipeline.ratio": Target(ratio, 0.8, ">=")}
