"""`face1d synth convert-model`: a Basel Face Model as its makers distribute it, turned into an .npz."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
from rich.console import Console

from face1d_ros.errors import FaceModelError


@click.command("convert-model")
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--overwrite", is_flag=True, help="Replace TARGET where it is there already.")
def command(source: Path, target: Path, overwrite: bool) -> None:
    """Turn a Basel Face Model, SOURCE, into TARGET, an .npz that every command takes with --face-model.

    SOURCE is a .h5 file of 2017 or 2019 (needs h5py) or 01_MorphableModel.mat of 2009. FLAME comes as a pickle, which
    can run any program when it is read: docs/face_models.md shows how you make an .npz of it yourself.
    """
    from face1d_ros.synth.faces.bfm_convert import convert
    from face1d_ros.synth.faces.model import read_model

    if target.suffix != ".npz":
        raise FaceModelError(f"target '{target}': ends in '{target.suffix}', expected .npz")
    if target.exists() and not overwrite:
        raise FaceModelError(f"target '{target}' is there already; name another, or add --overwrite")
    with Console(stderr=True).status(f"converting {source.name}"):
        arrays = convert(source)
        partial = target.with_name(f".{target.name}.partial.npz")
        try:
            np.savez_compressed(partial, **arrays)
            model = read_model(partial)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    click.echo(
        f"wrote {target}: {len(model.mean_mm)} vertices, {len(model.identity_mm)} identity and"
        f" {len(model.expression_mm)} expression components, {(model.landmarks_68 >= 0).sum()} of the 68 landmarks"
    )
