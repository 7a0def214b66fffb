"""`face1d synth show`: one sequence as animation or contact sheet."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from face1d_ros.cli.sequence_picture import WIDTH_PX, animation_frame, contact_sheet
from face1d_ros.cli.timeline_picture import timeline
from face1d_ros.errors import InvalidValueError
from face1d_ros.replay.video_writer import VideoWriter
from face1d_ros.synth.corpus.fixed_sets import SMALL, load_small_test_set
from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.synth.sequence import Sequence

PICTURES, FILMS = (".png", ".jpg"), (".mp4", ".gif")
FILM_RATE_HZ = 30.0
"""At most; faster sequences are shown with every second or fourth frame."""
GIF_WIDTH_PX = 720
JPEG_QUALITY = 80


@click.command("show")
@click.argument("what", default=SMALL)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A .png or .jpg (contact sheet), .mp4 or .gif (animation).",
)
@click.option("--list", "listing", is_flag=True, help="List the sequences instead.")
def command(what: str, output: Path | None, listing: bool) -> None:
    """Draw one sequence: truth and detected points, label, phase, intensity, coefficients, head and gaze over time.

    WHAT is a corpus folder or `small` (the test set that ships with the package), with `:` and the number or name of a
    sequence behind it; without it the first is drawn.
    """
    place, wanted = _parted(what)
    sequences: Any = load_small_test_set() if place == SMALL else Corpus(place, verify=True)
    if listing:
        _list(sequences)
        return
    if output is None:
        raise click.UsageError("--output FILE is missing (.png, .jpg, .mp4 or .gif), or --list")
    sequence = _chosen(sequences, wanted)
    if output.suffix.lower() in PICTURES:
        if not cv2.imwrite(str(output), contact_sheet(sequence)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]):
            raise click.UsageError(f"--output {output} cannot be written: is the folder there?")
    elif output.suffix.lower() in FILMS:
        _film(sequence, output)
    else:
        raise InvalidValueError("--output", str(output), "a file that ends in " + ", ".join((*PICTURES, *FILMS)))
    click.echo(f"wrote {output}: {sequence.name}, {len(sequence)} frames")


def _parted(what: str) -> tuple[str, str]:
    """Folder or `small`, and the sequence in it."""
    if Path(what).is_dir():
        return what, "0"
    found = re.fullmatch(r"(.*?)(?::([^:]+))?", what)
    assert found is not None
    return found[1], found[2] or "0"


def _chosen(sequences: Any, wanted: str) -> Sequence:
    names = _names(sequences)
    if wanted.isdigit() and int(wanted) < len(names):
        return sequences[int(wanted)]
    if wanted in names:
        return sequences[names.index(wanted)]
    raise InvalidValueError("sequence", wanted, f"0 to {len(names) - 1}, or a name such as {names[0]} (--list)")


def _names(sequences: Any) -> list[str]:
    return list(sequences.names) if isinstance(sequences, Corpus) else [sequence.name for sequence in sequences]


def _list(sequences: Any) -> None:
    for index, name in enumerate(_names(sequences)):
        click.echo(f"{index:6d}  {name}")


def _film(sequence: Sequence, output: Path) -> None:
    step = max(round(sequence.plan.camera.rate_hz / FILM_RATE_HZ), 1)
    lines = timeline(sequence, WIDTH_PX)
    indices = range(0, len(sequence), step)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        images = (animation_frame(sequence, index, lines) for index in progress.track(indices, description="drawing"))
        stamps_s = sequence.stamps_s[::step]
        if output.suffix.lower() == ".gif":
            _write_gif(output, [_smaller(image) for image in images], stamps_s)
        else:
            _write_mp4(output, images, stamps_s, sequence.plan.camera.rate_hz / step)


def _write_mp4(output: Path, images: Any, stamps_s: NDArray[np.float64], rate_hz: float) -> None:
    writer: VideoWriter | None = None
    for image, stamp_s in zip(images, stamps_s.tolist(), strict=True):
        if writer is None:
            writer = VideoWriter(output, width=image.shape[1], height=image.shape[0], rate_hz=rate_hz)
        writer.write(np.ascontiguousarray(image[..., ::-1]), round(stamp_s * 1e9))
    if writer is not None:
        writer.close()


def _write_gif(output: Path, images: list[NDArray[np.uint8]], stamps_s: NDArray[np.float64]) -> None:
    from PIL import Image  # comes with scikit-image

    times_ms = np.diff(stamps_s, append=2 * stamps_s[-1] - stamps_s[-2] if len(stamps_s) > 1 else 0.1) * 1e3
    frames = [Image.fromarray(image).quantize(64) for image in images]
    durations = [max(round(time_ms / 10) * 10, 20) for time_ms in times_ms.tolist()]  # GIF counts in 10 ms
    frames[0].save(output, save_all=True, append_images=frames[1:], duration=durations, loop=0)


def _smaller(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height = round(image.shape[0] * GIF_WIDTH_PX / image.shape[1])
    return np.asarray(cv2.resize(image, (GIF_WIDTH_PX, height), interpolation=cv2.INTER_AREA))
