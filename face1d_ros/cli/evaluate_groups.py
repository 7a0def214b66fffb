"""`face1d evaluate groups`: a CSV of groups of a synthetic corpus, as an example of what `--groups` takes."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.progress import track

from face1d_ros.cli.smoothing_run import SMALL, open_sequences
from face1d_ros.evaluate.groups import PERSON, SEQUENCE
from face1d_ros.evaluate.measurement import write_whole
from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.synth.sequence import Sequence

FAST_HZ = 45.0
LARGE_LINES = 720
TURNED_RAD = 0.26
"""15°."""
COLUMNS = (SEQUENCE, PERSON, "rate", "image", "head", "half")


@click.command("groups")
@click.argument("what", default=SMALL)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def command(what: str, file: Path) -> None:
    """Write groups of a synthetic corpus: what is known of cameras and motion, and halves of its people.

    WHAT is `small` or the folder of a corpus. Synthetic people have no sex, age or colour of skin: groups of people are
    yours to give, in a file of the same form. docs/fairness.md says more.
    """
    source, name = open_sequences(what)
    sequences = (source[number] for number in range(len(source))) if isinstance(source, Corpus) else iter(source)
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for sequence in track(sequences, name, len(source), console=Console(stderr=True), transient=True):
        writer.writerow(line(sequence))
    write_whole(file, text.getvalue())
    click.echo(f"wrote {file}")


def line(sequence: Sequence) -> tuple[str, ...]:
    """Of one sequence."""
    camera = sequence.plan.camera
    turned = float(np.abs(sequence.yaw_pitch_roll_rad[:, 0]).max()) > TURNED_RAD
    return (
        sequence.name,
        str(sequence.subject_id),
        "fast" if camera.rate_hz > FAST_HZ else "slow",
        "large" if camera.height >= LARGE_LINES else "small",
        "turns" if turned else "straight",
        "even" if sequence.subject_id % 2 == 0 else "odd",
    )
