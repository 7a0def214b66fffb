"""`face1d bench synth`: how fast a corpus is made, from plans to files, and where the time goes."""

from __future__ import annotations

import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress

from face1d_ros.cli.tables import print_measurement
from face1d_ros.evaluate.measurement import Measurement, Target, conditions
from face1d_ros.synth.camera import frame_stamps, project
from face1d_ros.synth.corpus.plans import CorpusPlan
from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.synth.corpus.writer import CorpusJob, make_corpus, make_shard
from face1d_ros.synth.faces.model import FaceModel, load_face_model
from face1d_ros.synth.faces.point_model import point_model
from face1d_ros.synth.motion.evaluate import evaluate
from face1d_ros.synth.motion.head import evaluate_head
from face1d_ros.synth.noise.observe import load_noise_model, observe
from face1d_ros.synth.plan_json import plan_sha256
from face1d_ros.synth.sequence import apparent_turn, identity_of, placed

SEED = 1
TOPOLOGIES = (478, 68)
PART_SEQUENCES, PART_ROUNDS = 30, 5
IN_MEMORY = Path("/dev/shm")


@click.command("synth")
@click.option("--json", "path", type=click.Path(dir_okay=False), help="Write the measurement to this file.")
@click.option("--face-model", type=click.Path(exists=True, path_type=Path), help="[default: $FACE1D_FACE_MODEL]")
@click.option("--sequences", type=click.IntRange(8), default=480, show_default=True, help="Of 8 s, all scenarios.")
@click.option("--rounds", type=click.IntRange(1, 100), default=5, show_default=True, help="The median counts.")
@click.option("--workers", type=click.IntRange(1, 256), default=2, show_default=True, help="Processes.")
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="For the files; they are removed. [default: /dev/shm, then the system's temporary folder]",
)
def command(
    path: str | None, face_model: Path | None, sequences: int, rounds: int, workers: int, folder: Path | None
) -> None:
    """Make a corpus again and again and time it: start of the processes, plans, values, files.

    `frames_per_s` is by the clock, from the call to complete files; that of files in memory is judged, and a slow disk
    shows beside it. `cpu_us` is processor time of
    all processes for a frame; where other programs compete for the processor it says more. The rows below split one
    process' time between the steps.
    """
    model = load_face_model(face_model)
    rows: list[dict[str, Any]] = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        places = [folder] if folder else [IN_MEMORY, Path(tempfile.gettempdir())]
        task = progress.add_task("making", total=len(TOPOLOGIES) * (len(places) * rounds + 1))
        advance: Callable[[], None] = lambda: progress.advance(task)  # noqa: E731
        for place in places:
            rows += [_whole(model, points, sequences, rounds, workers, place, advance) for points in TOPOLOGIES]
        for points in TOPOLOGIES:
            rows += _parts(model, points, places[0])
            advance()
    measurement = Measurement(
        "bench synth",
        conditions(
            seed=SEED,
            data_sha256=model.sha256,
            face_model=model.name,
            sequences=sequences,
            rounds=rounds,
            workers=workers,
            load_average_1min=os.getloadavg()[0],
        ),
        rows,
        {"synth.frames_per_s": Target(rows[0]["frames_per_s"], 20_000, ">=")},
    )
    print_measurement(measurement, "Synthetic sequences, end to end and by step")
    if path:
        measurement.write_json(path)
        click.echo(f"wrote {path}")


def _whole(
    model: FaceModel,
    points: int,
    sequences: int,
    rounds: int,
    workers: int,
    folder: Path,
    advance: Callable[[], None],
) -> dict[str, Any]:
    """Median over whole corpora."""
    job = CorpusJob(CorpusPlan(seed=SEED, sequences=sequences), point_model(model, points), load_noise_model())
    runs = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="face1d-bench-", dir=folder) as place:
            began_s, began_cpu_s = time.perf_counter(), _cpu_s()
            make_corpus(job, Path(place), workers)
            took_s, cpu_s = time.perf_counter() - began_s, _cpu_s() - began_cpu_s
            frames = Corpus(place).manifest["frames"]
            size = sum(file.stat().st_size for file in Path(place).iterdir())
        runs.append((frames / took_s, cpu_s / frames * 1e6, size / took_s / 1e6))
        advance()
    rate, cpu_us, written = (statistics.median(column) for column in zip(*runs, strict=True))
    return {
        "step": f"end to end, files in {folder}",
        "points": points,
        "frames": frames,
        "frames_per_s": rate,
        "slowest": min(run[0] for run in runs),
        "fastest": max(run[0] for run in runs),
        "cpu_us": cpu_us,
        "bytes_a_frame": size / frames,
        "mb_per_s": written,
    }


def _cpu_s() -> float:
    """Of this process and of those that it waited for."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def _parts(model: FaceModel, points: int, folder: Path) -> list[dict[str, Any]]:
    """Processor time of each step in this process, a frame: the least of some rounds, sequence by sequence."""
    job = CorpusJob(CorpusPlan(seed=SEED, sequences=PART_SEQUENCES), point_model(model, points), load_noise_model())
    rounds = [[_steps_s(job, index) for index in range(job.plans.count)] for _ in range(PART_ROUNDS)]
    frames = sum(count for count, _ in rounds[0])
    least_s = {
        name: sum(min(times[name] for _, times in same) for same in zip(*rounds, strict=True))
        for name in rounds[0][0][1]
    }
    rows: list[dict[str, Any]] = [
        {"step": name, "points": points, "frames": frames, "cpu_us": s / frames * 1e6} for name, s in least_s.items()
    ]
    return [*rows, _shard_row(job, points, folder)]


def _steps_s(job: CorpusJob, index: int) -> tuple[int, dict[str, float]]:
    """Frames of a sequence, and processor time of each step as `make_sequence` takes them."""
    times: dict[str, float] = {}
    began_s = time.process_time()

    def lap(name: str) -> None:
        nonlocal began_s
        times[name] = time.process_time() - began_s
        began_s = time.process_time()

    plan = job.plans.plan(index)
    plan_sha256(plan)
    lap("plan and its hash")
    stamps_s = frame_stamps(plan.camera, plan.duration_s)
    motion = evaluate(plan.motion, stamps_s, job.points.expression_names)
    lap("stamps and motion")
    head = evaluate_head(plan.head, stamps_s)
    lap("head")
    shape = job.points.shape(identity_of(plan.subject, job.points), motion.expression, motion.gaze_rad)
    lap("shape")
    points_mm = placed(shape, head.yaw_pitch_roll_rad, head.translation_mm)
    lap("pose")
    clean_px = project(points_mm, plan.camera)
    lap("projection")
    size = plan.camera.width, plan.camera.height
    shown = apparent_turn(head.yaw_pitch_roll_rad, head.translation_mm)
    observe(job.noise, plan.noise, clean_px, stamps_s, shown, head.present, size)
    lap("detector noise")
    return len(stamps_s), times


def _shard_row(job: CorpusJob, points: int, folder: Path) -> dict[str, Any]:
    """All of it in this process, with the files."""
    with tempfile.TemporaryDirectory(prefix="face1d-bench-", dir=folder) as place:
        began_s = time.process_time()
        frames = sum(make_shard(job, Path(place), number)[1] for number in range(job.shards))
        took_s = time.process_time() - began_s
    return {"step": "all steps and files", "points": points, "frames": frames, "cpu_us": took_s / frames * 1e6}
