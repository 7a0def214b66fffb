"""`face1d train asymmetry`."""

from __future__ import annotations

import os
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from face1d_ros.cli.options import FACE_MODEL

SEED = 1


@click.command("asymmetry")
@click.option("--faces", type=click.IntRange(50), default=1200, show_default=True, help="How many weak faces.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("asymmetry_signals.npz"),
    show_default=True,
    help="What the mesh stage reads; the shipped one is face1d_ros/geometry/asymmetry_signals.npz.",
)
@FACE_MODEL
def command(faces: int, output: Path, face_model: Path | None) -> None:
    """Fit how the mesh stage reads what each half of a face does, for all numbers of landmarks.

    Synthetic faces of the split `train`, of which one half is weak by any amount, each for 8 s at 30 Hz, smoothed as in
    use. Takes about ten minutes, and needs no PyTorch.
    """
    import numpy as np

    from face1d_ros.synth.faces.model import load_face_model
    from face1d_ros.synth.faces.point_model import point_model
    from face1d_ros.synth.noise.observe import load_noise_model
    from face1d_ros.synth.splits import Split
    from face1d_ros.train.asymmetry import fitted
    from face1d_ros.train.asymmetry_faces import weak_faces
    from face1d_ros.types import FloatArray, Topology

    if not os.access(output.parent, os.W_OK | os.X_OK):
        raise click.BadParameter(f"{output.parent} is no folder that can be written to", param_hint="--output")
    points, noise = point_model(load_face_model(face_model)), load_noise_model()
    topologies = [topology for topology in Topology if topology is not Topology.UNKNOWN]
    with Progress(console=Console(stderr=True), transient=True) as progress:
        making = progress.add_task("making faces", total=faces)
        found = list(weak_faces(points, noise, Split.TRAIN, SEED, faces, lambda: progress.advance(making)))
        watching = progress.add_task("watching them", total=len(found) * len(topologies))
        table: dict[str, FloatArray] = {}
        for topology in topologies:
            table |= fitted(found, points.expression_names, topology, lambda: progress.advance(watching))
    made_by = f"face1d train asymmetry --faces {faces}, face model {points.source_sha256}"
    with output.open("wb") as file:
        np.savez(file, made_by=np.array(made_by), **table)
    click.echo(f"wrote {output}: {len(found)} faces, {output.stat().st_size / 1e3:.0f} kB")
