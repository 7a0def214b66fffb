"""`face1d bench engines`: what the networks cost on each engine, and what our part adds to bare ONNX Runtime."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress

from face1d_ros.cli.engine_timing import bare, memory_mb, ours, side_by_side, timed
from face1d_ros.cli.tables import print_measurement, rows_table, wide_console
from face1d_ros.engines.bundle import Bundle, golden_error, load_bundle, shipped_bundles
from face1d_ros.engines.onnxruntime_engine import OnnxRuntimeEngine, providers
from face1d_ros.errors import ExportError, InvalidValueError, MissingDependencyError
from face1d_ros.evaluate.measurement import Measurement, Target, conditions

SEED = 1
PACES_HZ = (30.0, 60.0, None)
"""None: without a pause."""
MANY = 8
TIGHT_CALLS, PACED_CALLS = 200, 8
"""In a round, of either side."""
DEFAULT_SMOOTHER = "smoothing_gru_478"
UNTRAINED = "untrained, for timing only"
Rows = list[dict[str, Any]]


@click.command("engines")
@click.option(
    "--bundle", "paths", type=click.Path(path_type=Path), multiple=True, help="A bundle's folder; again for more."
)
@click.option("--family", "families", multiple=True, help="An untrained network of this family, e.g. gru (PyTorch).")
@click.option("--frames", type=click.IntRange(20, 100_000), default=150, show_default=True, help="At each pace.")
@click.option("--rounds", type=click.IntRange(5, 1000), default=11, show_default=True, help="Of each comparison.")
@click.option("--windows", type=click.IntRange(1, 100_000), default=1000, show_default=True, help="For parity.")
@click.option("--json", "path", type=click.Path(dir_okay=False), help="Write the measurement to this file.")
def command(
    paths: tuple[Path, ...], families: tuple[str, ...], frames: int, rounds: int, windows: int, path: str | None
) -> None:
    """Time the shipped networks, or those named, on every engine that is here.

    Latency: a frame as a stage has it, for 1 and 8 faces, at 30 and 60 Hz with sleeps between, and without a pause.
    Beside bare ONNX Runtime: our call and `InferenceSession.run` by turns. 8 faces beside 1: by turns, too, at 30 Hz
    and without a pause. Parity: ONNX Runtime beside PyTorch on random windows, where PyTorch is installed; its target
    is for FP32, docs/export.md says what FP16 may differ by.
    """
    measurement = measure(paths, families, frames, rounds, windows)
    by_part = {
        part: [{k: v for k, v in row.items() if k != "part"} for row in measurement.rows if row["part"] == part]
        for part in ("latency", "engine", "network")
    }
    under = measurement.conditions
    console = wide_console()
    console.print(rows_table(Measurement("", {}, by_part["latency"]), "Microseconds for one frame"))
    console.print(rows_table(Measurement("", {}, by_part["engine"]), "Engines"))
    shown = Measurement(measurement.command, under, by_part["network"], measurement.targets)
    print_measurement(shown, "Networks; ours beside bare ONNX Runtime, and 8 faces beside 1")
    if families:
        click.echo(f"{', '.join(families)}: {UNTRAINED}")
    if path:
        measurement.write_json(path)
        click.echo(f"wrote {path}")


def measure(paths: Sequence[Path], families: Sequence[str], frames: int, rounds: int, windows: int) -> Measurement:
    """All of it, network by network."""
    rows: Rows = []
    with _bundles(paths, families) as bundles, Progress(console=Console(stderr=True), transient=True) as progress:
        for bundle in bundles:
            rows += latency(bundle, frames, progress)
            rows.append(network(bundle, rounds, windows, progress))
    under = conditions(
        seed=SEED,
        frames=frames,
        rounds=rounds,
        windows=windows,
        untrained=list(families),
        interleaved="call by call; medians over rounds",
        load_average_1min=os.getloadavg()[0],
        gpu=_gpu() if "CUDA" in providers() else None,
    )
    return Measurement("bench engines", under, rows, targets(rows))


def latency(bundle: Bundle, frames: int, progress: Progress) -> Rows:
    """A row for each provider, pace and number of faces; and one for each provider with its memory and golden run."""
    rows: Rows = []
    for provider in providers():
        engine = OnnxRuntimeEngine(bundle, provider)
        error = golden_error(bundle, engine)
        subject = {"network": bundle.manifest.name, "engine": engine.name, "device": engine.device}
        bar = _bar(progress, f"{bundle.manifest.name} on {provider}", 2 * len(PACES_HZ) * frames)
        for faces in (1, MANY):
            call = ours(bundle, engine, faces)
            for pace_hz in PACES_HZ:
                row = timed(call, frames, pace_hz, bar).as_row()
                pace = "tight loop" if pace_hz is None else f"{pace_hz:g} Hz"
                rows.append({"part": "latency", **subject, "faces": faces, "pace": pace, **row})
        memory = memory_mb(bundle.path, provider, MANY)
        rows.append({"part": "engine", **subject, "golden_error": error, "memory_mb": memory})
        engine.close()
    return rows


def network(bundle: Bundle, rounds: int, windows: int, progress: Progress) -> dict[str, Any]:
    """What the comparisons say of one network, on the CPU."""
    manifest = bundle.manifest
    engine = OnnxRuntimeEngine(bundle)
    bar = _bar(progress, f"{manifest.name}: comparisons", 4 * rounds)
    one, many = ours(bundle, engine, 1), ours(bundle, engine, MANY)
    beside_bare = (one, bare(bundle, 1))
    row: dict[str, Any] = {
        "part": "network",
        "network": manifest.name,
        "precision": manifest.precision,
        "parameters": manifest.parameters,
        "mac_m": manifest.mac / 1e6,
        "size_mb": bundle.size_bytes / 1e6,
        "parity": _parity(bundle, windows, progress),
    }
    for name, pace_hz, calls in (("tight", None, TIGHT_CALLS), ("30hz", PACES_HZ[0], PACED_CALLS)):
        added = [a - b for a, b in side_by_side(beside_bare, rounds, calls, pace_hz, bar)]
        ratio = [b / a for a, b in side_by_side((one, many), rounds, calls, pace_hz, bar)]
        row |= {f"wrapper_us_{name}": statistics.median(added) * 1e6, f"eight_ratio_{name}": statistics.median(ratio)}
    engine.close()
    return row


def targets(rows: Rows) -> dict[str, Target]:
    """The worst network's; eight faces count for the default smoother, where it was measured."""
    networks = [row for row in rows if row["part"] == "network"]
    parities = [row["parity"] for row in networks if row["precision"] == "fp32"]
    known = [parity for parity in parities if parity is not None]
    eight = [row["eight_ratio_30hz"] for row in networks if row["network"] == DEFAULT_SMOOTHER]
    return {
        "engines.parity_abs": Target(max(known) if known and len(known) == len(parities) else None, 1e-5),
        "engines.wrapper_us": Target(max(row["wrapper_us_tight"] for row in networks), 20.0),
        "engines.eight_faces_ratio": Target(eight[0] if eight else None, 2.5),
    }


def _parity(bundle: Bundle, windows: int, progress: Progress) -> float | None:
    """None where there is no PyTorch, or the bundle is of no network of this package."""
    task = progress.add_task(f"{bundle.manifest.name}: parity", total=windows)
    try:
        from face1d_ros.train.export import network_of, parity

        advance = lambda done: progress.advance(task, done)  # noqa: E731
        return parity(network_of(bundle), bundle, windows=windows, seed=SEED, advance=advance)
    except (MissingDependencyError, ExportError) as error:
        progress.console.print(f"no parity for {bundle.manifest.name}: {error}", style="yellow")
        return None


@contextmanager
def _bundles(paths: Sequence[Path], families: Sequence[str]) -> Iterator[list[Bundle]]:
    """Those named; those shipped, where none is."""
    paths = [*paths] or ([] if families else shipped_bundles())
    if not paths and not families:
        raise InvalidValueError(
            "bundle", "none", "--bundle FOLDER, or --family gru for an untrained network: no bundle is shipped yet"
        )
    with tempfile.TemporaryDirectory(prefix="face1d_bench_") as folder:
        made = [_untrained(family, Path(folder)) for family in families]
        yield [load_bundle(path) for path in [*paths, *made]]


def _untrained(family: str, folder: Path) -> Path:
    from face1d_ros.train.export import write_untrained

    return write_untrained(family, folder / f"{family}_untrained", SEED)


def _bar(progress: Progress, name: str, total: int) -> Callable[[], None]:
    task = progress.add_task(name, total=total)
    return lambda: progress.advance(task)


def _gpu() -> str | None:
    """As its driver calls it."""
    try:
        found = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip() or None
