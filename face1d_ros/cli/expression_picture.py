"""The picture of `face1d evaluate expression`: what is taken for what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from face1d_ros.cli.expression_run import Run
from face1d_ros.cli.plots import make_folder, pyplot_for, save
from face1d_ros.evaluate.classification import Confusion

OPTION = "--pictures"
DARK = 0.5


def write_pictures(folder: Path, run: Run) -> list[Path]:
    """The confusion of the default model; the files."""
    make_folder(folder)
    if run.default is None:
        return []
    path = folder / "expression_confusion.png"
    figure, axis = pyplot_for(OPTION).subplots(figsize=(7.2, 6.4), layout="constrained")
    draw_confusion(axis, run.judged[run.default.name].confusion())
    axis.set_title(f"{run.default.name}: middle of each apex and rest, {run.name}", fontsize=10)
    save(figure, path)
    return [path]


def draw_confusion(axis: Any, found: Confusion) -> None:
    """Counts, coloured by their share of the true class."""
    rows = np.flatnonzero(found.counts.sum(axis=1))
    counts = found.counts[rows]
    shares = counts / counts.sum(axis=1, keepdims=True)
    axis.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto")
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[row, column] > DARK else "black"
            axis.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=9)
    axis.set_xticks(range(len(found.labels)), found.labels, rotation=40, ha="right")
    axis.set_yticks(range(len(rows)), [found.labels[row] for row in rows])
    axis.set_xlabel("read as")
    axis.set_ylabel("shown")
