"""The picture of `face1d evaluate representations`: error against the numbers that are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from face1d_ros.cli.plots import dress, pyplot_for, save
from face1d_ros.evaluate.landmark_windows import Windows
from face1d_ros.evaluate.representations import NOISE

STYLES = {
    "B-splines": ("#1f77b4", "o", 5),
    "Bézier curves": ("#56b4d6", "s", 5),
    "Fourier descriptors": ("#e69f00", "^", 6),
    "PCA of shapes": ("#2ca02c", "D", 5),
    "PCA of trajectories": ("#c51b8a", "o", 8),
    "wavelets over time": ("#5b3fa0", "v", 5),
    "embeddings over time": ("#222222", "*", 8),
}
"""Colour, mark and its size, in the order of drawing: small marks lie on large ones where lines meet."""
PANELS = (
    ("nme_percent", "Reconstruction of clean landmarks"),
    ("noise_nme_percent", f"With white noise of {NOISE:.0%} on each coordinate".replace("%", " %")),
    ("missing_20_nme_percent", "Single points missing (20 %): error there"),
    ("hidden_nme_percent", "A curve hidden for half of the window: error there"),
)
FLOOR_PERCENT = 0.01
"""Errors below it are drawn there: they are exact for every use."""
NOISE_NME_PERCENT = 100.0 * NOISE * float(np.sqrt(np.pi / 2.0))
"""Mean length of the noise."""


def write_picture(path: Path, rows: list[dict[str, Any]], windows: Windows) -> None:
    """Four panels with one line for each representation."""
    pyplot = pyplot_for("--picture")
    figure, axes = pyplot.subplots(2, 2, figsize=(10.5, 8.2), sharex=True, sharey=True, layout="constrained")
    for axis, (key, title) in zip(axes.flat, PANELS, strict=True):
        for name, (colour, mark, size) in STYLES.items():
            points = [(row["numbers"], row[key]) for row in rows if row["representation"] == name]
            points = sorted((x, max(y, FLOOR_PERCENT)) for x, y in points if y is not None and np.isfinite(y))
            if points:
                axis.plot(*zip(*points, strict=True), color=colour, marker=mark, ms=size, lw=1.5, label=name)
        axis.set_title(title, fontsize=11, loc="left")
        _scaled(axis)
    _note_noise(axes[0, 1])
    if all((row["hidden_back_percent"] or 0.0) == 0.0 for row in rows if row["representation"] == "B-splines"):
        _note(axes[1, 1], "splines and Fourier descriptors give nothing back")
    for axis in axes[1]:
        axis.set_xlabel("numbers kept for a face in a frame (136 came in)")
    for axis in axes[:, 0]:
        axis.set_ylabel("NME, %")
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4, frameon=False)
    frames = windows.clean.shape[1]
    figure.suptitle(
        f"1D representations of 68 landmarks: {windows.name}, {len(windows.clean)} windows of {frames} frames"
    )
    save(figure, path)


def _scaled(axis: Any) -> None:
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    ticks = (2, 4, 8, 16, 32, 64, 136)
    axis.set_xticks(ticks, [str(tick) for tick in ticks])
    axis.set_yticks((0.01, 0.1, 1.0, 10.0), ("≤ 0.01", "0.1", "1", "10"))
    axis.set_ylim(FLOOR_PERCENT * 0.8, 12.0)
    dress(axis)


def _note_noise(axis: Any) -> None:
    axis.axhline(NOISE_NME_PERCENT, color="#888888", lw=1.0, ls="--", zorder=0)
    _note(axis, "dashed: the noise itself; what lies below it denoises")


def _note(axis: Any, text: str) -> None:
    axis.text(0.02, 0.04, text, transform=axis.transAxes, fontsize=9.5, color="#444444")
