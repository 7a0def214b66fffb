"""`face1d models wrap`: a network of the user's own, as a bundle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from face1d_ros.engines.manifest import NAME, TRAINED_ON
from face1d_ros.engines.wrapping import OUTPUTS, Wrapping, wrap


class OperatingPoint(click.ParamType):
    """A rate of false matches and the threshold that keeps it: 0.001=0.32."""

    name = "rate=threshold"

    def convert(
        self, value: object, param: click.Parameter | None, context: click.Context | None
    ) -> tuple[float, float]:
        """Both numbers."""
        rate, is_pair, threshold = str(value).partition("=")
        try:
            found = float(rate), float(threshold)
        except ValueError:
            is_pair = ""
        if not is_pair:
            self.fail(f"'{value}'; expected RATE=THRESHOLD, such as 0.001=0.32", param, context)
        return found


class Numbers(click.ParamType):
    """A number, or three with commas between."""

    name = "number[,number,number]"

    def convert(
        self, value: object, param: click.Parameter | None, context: click.Context | None
    ) -> float | list[float]:
        """One, or a list of three."""
        try:
            found = [float(part) for part in str(value).split(",")]
        except ValueError:
            found = []
        if len(found) not in (1, 3):
            self.fail(f"'{value}'; expected a number, or three with commas between", param, context)
        return found[0] if len(found) == 1 else found


@click.command("wrap")
@click.argument("model", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--output",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="The bundle's folder, whose name is the model's.",
)
@click.option(
    "--task", type=click.Choice(list(OUTPUTS)), default="face_embedding", show_default=True, help="What it is for."
)
@click.option("--channels", type=click.Choice(("rgb", "bgr")), required=True, help="In which order it takes colours.")
@click.option("--mean", type=Numbers(), default="127.5", show_default=True, help="Taken from each pixel of 0 to 255.")
@click.option(
    "--scale", type=Numbers(), default="0.00784313725490196", show_default=True, help="What that is multiplied by."
)
@click.option(
    "--operating-point",
    "points",
    type=OperatingPoint(),
    multiple=True,
    metavar="RATE=THRESHOLD",
    help="False match rate, and the cosine that keeps it, as measured; twice or more for a face_embedding.",
)
@click.option("--value", default="", help="Which of its values comes out.  [default: its only output]")
@click.option("--version", default="1", show_default=True, help="Of the model. Another one for other weights.")
@click.option("--trained-on", type=click.Choice(TRAINED_ON), default="real", show_default=True, help="What data.")
@click.option("--data", default="not stated", show_default=True, help="What it was trained on, in a sentence.")
@click.option("--licence", default="not stated", show_default=True, help="Of its weights.")
@click.option(
    "--golden",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An .npz of `image` and the output, by the framework that trained it.  [default: made with ONNX Runtime]",
)
def command(
    model: Path,
    folder: Path,
    task: str,
    channels: str,
    mean: float | list[float],
    scale: float | list[float],
    points: tuple[tuple[float, float], ...],
    value: str,
    version: str,
    trained_on: str,
    data: str,
    licence: str,
    golden: Path | None,
) -> None:
    """Make a bundle of MODEL, an ONNX file of your own that takes crops of faces, (faces, 3, 112, 112).

    A face_embedding makes a vector of each, for the setting `appearance_model` of identity; face_features makes
    512 × 7 × 7 features, for `features_model`. The file is looked into before it runs; nothing is read through pickle.
    """
    if not NAME.fullmatch(folder.name):
        raise click.BadParameter(f"'{folder.name}' names the model: only a-z, 0-9 and _", param_hint="--output")
    settings: dict[str, object] = {"channels": channels, "mean": mean, "scale": scale}
    if task == "face_embedding":
        if len(points) < 2:
            raise click.UsageError(
                "a face_embedding needs two --operating-point or more: at which cosine two people are taken for one"
            )
        settings["operating_points"] = [list(point) for point in sorted(points, reverse=True)]
    bundle = wrap(
        model,
        folder,
        Wrapping(
            task=task,
            name=folder.name,
            version=version,
            output=value,
            settings=settings,
            trained_on=trained_on,
            data=data,
            licence=licence,
            golden=golden,
        ),
        _taken_by_the_stage(task),
    )
    manifest = bundle.manifest
    shape = " × ".join(map(str, manifest.outputs[0].shape[1:]))
    click.echo(f"wrote {bundle.path}: {bundle.size_bytes / 1e6:.3g} MB, {manifest.mac / 1e6:.3g} M MAC, gives {shape}")
    setting = "appearance_model" if task == "face_embedding" else "features_model"
    click.echo(f"name it in identity's `{setting}`: {bundle.path}")


def _taken_by_the_stage(task: str) -> Callable[[Path], None]:
    """What refuses a bundle that the identity stage would."""
    from face1d_ros.stages.appearance_model import make_embedder, make_feature_reader

    make = make_embedder if task == "face_embedding" else make_feature_reader
    return lambda folder: make(str(folder), "onnxruntime").close()
