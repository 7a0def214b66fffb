"""`face1d synth make`: corpora and the fixed test set."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from face1d_ros.cli.interrupts import sigterm_as_ctrl_c
from face1d_ros.cli.options import FACE_MODEL
from face1d_ros.synth.corpus.capture import CapturePlans
from face1d_ros.synth.corpus.fixed_sets import TEST_SETS, check_plans, check_values, parts_of
from face1d_ros.synth.corpus.golden import write_shipped
from face1d_ros.synth.corpus.plans import ALL, CORPUS_SCENARIOS, CorpusPlan
from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.synth.corpus.writer import Advance, CorpusJob, make_corpus
from face1d_ros.synth.faces.model import load_face_model
from face1d_ros.synth.faces.point_model import PointModel, point_model
from face1d_ros.synth.motion.capture import read_capture
from face1d_ros.synth.noise.observe import NoiseModel, load_noise_model
from face1d_ros.synth.splits import Split

SPLITS = tuple(split.name.lower() for split in Split)
EVERY_SPLIT = "all"
OTHERS = 10
"""With --split all, validation and test have one sequence for so many of train."""
SET_BY_TEST_SET = ("sequences", "seconds", "scenario", "seed", "split", "per_subject", "capture")
SET_BY_CAPTURE = ("seconds", "scenario", "per_subject")
LARGEST_SEED = 2**63 - 1


class Seed(click.IntRange):
    """A seed; an error names both limits."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is no integer from {self.min} to {self.max}", param, ctx)


@click.command("make")
@click.argument("output", type=click.Path(file_okay=False, path_type=Path))
@FACE_MODEL
@click.option("--noise-model", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="[default: shipped]")
@click.option(
    "--test-set", type=click.Choice(TEST_SETS), help="Make this fixed test set; most other options are then set."
)
@click.option("--split", type=click.Choice((*SPLITS, EVERY_SPLIT)), default="train", show_default=True,
              help="With 'all', a folder for each; validation and test a tenth of train's size.")  # fmt: skip
@click.option("--sequences", type=click.IntRange(1, 10_000_000), default=1000, show_default=True, help="How many.")
@click.option("--seconds", type=click.FloatRange(0.5, 3600.0), default=8.0, show_default=True, help="Of each sequence.")
@click.option(
    "--scenario", type=click.Choice(CORPUS_SCENARIOS), default=ALL, show_default=True, help="What the faces do."
)
@click.option(
    "--capture",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A CSV of ARKit's coefficients that drives all faces, in place of a scenario.",
)
@click.option("--per-subject", type=click.IntRange(1), default=4, show_default=True, help="Sequences of one subject.")
@click.option("--seed", type=Seed(0, LARGEST_SEED), default=1, show_default=True, help="Other seeds, other sequences.")
@click.option("--points", type=click.Choice(["478", "468", "68"]), default="478", show_default=True, help="Topology.")
@click.option("--workers", type=click.IntRange(1, 256), default=2, show_default=True, help="Processes.")
@click.option(
    "--small", is_flag=True, hidden=True, help="For developers: write the shipped small set and golden hashes."
)
@click.pass_context
def command(
    ctx: click.Context,
    output: Path,
    face_model: Path | None,
    noise_model: Path | None,
    test_set: str | None,
    split: str,
    sequences: int,
    seconds: float,
    scenario: str,
    capture: Path | None,
    per_subject: int,
    seed: int,
    points: str,
    workers: int,
    small: bool,
) -> None:
    """Make synthetic sequences with their truth into the folder OUTPUT.

    The same parameters, face model and noise model give the same values, however many processes make them. A run that
    was broken off is taken up by the same command. Needs a 3D face model (docs/face_models.md).
    """
    _refuse_without_effect(ctx, test_set, capture, split)
    model = point_model(load_face_model(face_model), int(points))
    noise = load_noise_model(noise_model)
    if small:
        _write_shipped(model, noise)
        return
    if test_set:
        for part, fixed in parts_of(test_set).items():
            with Console(stderr=True).status(f"drawing the plans of {part}"):
                digest = check_plans(test_set, part)
            click.echo(f"{test_set}, {part}: plans {digest[:16]}, as they are fixed")
            make(CorpusJob(fixed, model, noise), output / part, workers)
            click.echo(check_values(test_set, part, Corpus(output / part)))
        return
    driver = read_capture(capture) if capture else None
    for name, count in _sizes(split, sequences).items():
        if driver is None:
            job = CorpusJob(CorpusPlan(name, seed, count, seconds, scenario, per_subject), model, noise)
        else:
            job = CorpusJob(CapturePlans(driver, name, seed, count), model, noise, {driver.name: driver})
        make(job, output / name if split == EVERY_SPLIT else output, workers)


def _refuse_without_effect(ctx: click.Context, test_set: str | None, capture: Path | None, split: str) -> None:
    """Options that were given and would do nothing are mistakes, and so is one take in all splits."""
    fixed = SET_BY_TEST_SET if test_set else SET_BY_CAPTURE if capture else ()
    given = [name for name in fixed if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT]
    if given:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        what = f"--test-set {test_set}" if test_set else f"--capture {capture}"
        raise click.UsageError(f"{options} has no effect with {what}; leave it out")
    if capture and split == EVERY_SPLIT:
        raise click.UsageError(
            "--split all would put the motion of --capture into every split; give one split to each take"
        )


def _sizes(split: str, sequences: int) -> dict[str, int]:
    """Sequences by split."""
    if split != EVERY_SPLIT:
        return {split: sequences}
    return {name: sequences if name == SPLITS[0] else -(-sequences // OTHERS) for name in SPLITS}


def make(job: CorpusJob, folder: Path, workers: int) -> None:
    """Make a corpus, or what is missing of it, with a bar and in words."""
    click.echo(
        f"{folder}: {job.plans.count} sequences, about {job.estimated_frames:,.0f} frames, "
        f"{job.estimated_bytes / 1e9:.2f} GB, {job.shards} shards"
    )
    began_s = time.perf_counter()
    try:
        with sigterm_as_ctrl_c(), _progress(job, folder.name) as advance:
            make_corpus(job, folder, workers, advance)
    except KeyboardInterrupt:
        click.echo(f"stopped; the same command carries on with {folder}", err=True)
        raise
    manifest = Corpus(folder).manifest
    click.echo(
        f"{folder}: complete, {manifest['frames']:,} frames in {time.perf_counter() - began_s:.1f} s, "
        f"plans {manifest['plans_sha256'][:16]}"
    )


@contextmanager
def _progress(job: CorpusJob, name: str) -> Iterator[Advance]:
    """A bar with frames a second, those apart that were there before."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[speed]}"),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(name, total=job.plans.count, speed="")
        began_s, frames = time.perf_counter(), 0

        def advance(made_frames: int, sequences: int) -> None:
            nonlocal frames
            frames += made_frames
            speed = frames / max(time.perf_counter() - began_s, 1e-9)
            progress.update(task, advance=sequences, speed=f"{speed:,.0f} frames/s")

        yield advance


def _write_shipped(model: PointModel, noise: NoiseModel) -> None:
    """What stands in the package: golden hashes and values, and the small set."""
    with Console(stderr=True).status("making the small set and the golden values"):
        small, fixed = write_shipped(model, noise)
    click.echo(f"wrote {fixed}")
    click.echo(f"wrote {small}: {small.stat().st_size / 1e6:.2f} MB")
