"""`face1d export`: a trained network to a bundle."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from face1d_ros.engines.manifest import PRECISIONS


@click.command("export")
@click.argument("checkpoint", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="The bundle's folder, models/NAME; a bundle that is there is replaced once the new one is proven.",
)
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default=PRECISIONS[0],
    show_default=True,
    help="fp16: half the size, for TensorRT; on the CPU it is slower than fp32.",
)
@click.option(
    "--windows",
    type=click.IntRange(1, 1_000_000),
    default=1000,
    show_default=True,
    help="Random windows of 8 frames on which ONNX Runtime must agree with PyTorch.",
)
def command(checkpoint: Path, output: Path, precision: str, windows: int) -> None:
    """Turn a trained network into a bundle that every engine runs: model.onnx, manifest.json, golden.npz.

    Needs PyTorch (requirements/train.txt). docs/export.md says what is checked on the way.
    """
    from face1d_ros.train.checkpoint import load_checkpoint
    from face1d_ros.train.export import export

    network, facts = load_checkpoint(checkpoint)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("ONNX Runtime beside PyTorch", total=windows)
        advance = lambda done: progress.advance(task, done)  # noqa: E731
        bundle, difference = export(network, output, facts, precision=precision, windows=windows, advance=advance)
    manifest = bundle.manifest
    click.echo(f"wrote {bundle.path}")
    click.echo(
        f"{manifest.name} {manifest.version}: {network.family}, {manifest.parameters} parameters, "
        f"{manifest.mac / 1e6:.3g} M MAC a frame and face, {manifest.precision}, {bundle.size_bytes / 1e6:.3g} MB"
    )
    click.echo(f"ONNX Runtime differs from PyTorch by {difference:.2g} at most, over {windows} windows")
