"""Measured and synthetic detector noise in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import MissingDependencyError
from face1d_ros.evaluate.detector_noise import Track
from face1d_ros.evaluate.detector_noise_run import Measured
from face1d_ros.synth.noise.compare import (
    FIGURES,
    SEEDS,
    Compared,
    correlation_by_distance,
    mean_spectrum,
    synthetic_errors,
)
from face1d_ros.synth.noise.model import NoiseModel

Floats = NDArray[np.float64]
SHOWN = ("224 px, grain 0", "224 px, grain 8", "56 px, grain 8", "demo")
COLORS = ("#1f6fb4", "#d1701a", "#3a8f3a", "#8a4fa8")
SHADES = ("0.75", "0.6", "0.45", "0.25", "0.0")
"""From the least grain to the most."""
EDGES = tuple(np.linspace(0.0, 1.1, 12).tolist())
TRACE_S = 4.0
MOUTH_CORNER = 61
SIZE_INCHES, DPI = (12.6, 7.6), 100
MEASURED: dict[str, Any] = {"lw": 1.6, "ls": "-"}
SYNTHETIC: dict[str, Any] = {"lw": 1.6, "ls": (0, (2.5, 1.6))}
PALETTE = 96
"""Colours of a PNG: a third of the bytes."""


def draw(path: Path, measured: Measured, model: NoiseModel, compared: Sequence[Compared]) -> None:
    """Spectra, correlation over the face, strength per condition, size and grain, distribution, and a track."""
    try:
        from matplotlib.figure import Figure
        from matplotlib.lines import Line2D
    except ImportError as error:
        raise MissingDependencyError("matplotlib", "the picture of the noise", "pip install matplotlib") from error
    tracks = {track.condition.name: track for track in [*measured.grid, measured.demo]}
    shown = [tracks[name] for name in SHOWN]
    figure = Figure(figsize=SIZE_INCHES, dpi=DPI, layout="constrained")
    axes = figure.subplots(2, 3)
    synthetic = [[synthetic_errors(model, track, seed)[1][track.seen] for seed in range(SEEDS)] for track in shown]
    _spectra(axes[0, 0], shown, synthetic)
    _correlation(axes[0, 1], shown, synthetic)
    _strength(axes[0, 2], compared)
    _sizes(axes[1, 0], compared)
    _distribution(axes[1, 1], shown, synthetic)
    _track(axes[1, 2], tracks["224 px, grain 8"], synthetic[1][0])
    for ax in axes.flat:
        ax.grid(alpha=0.25, lw=0.6)
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(labelsize=8)
        ax.title.set_fontsize(10)
    styles = [Line2D([], [], color="0.2", label="measured", **MEASURED)]
    styles.append(Line2D([], [], color="0.2", label="synthetic", **SYNTHETIC))
    colors = [Line2D([], [], color=color, lw=4, label=name) for color, name in zip(COLORS, SHOWN, strict=True)]
    figure.legend(handles=[*styles, *colors], loc="outside lower center", ncols=6, fontsize=9, frameon=False)
    if path.suffix.lower() != ".png":
        figure.savefig(path)
        return
    from PIL import Image

    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    Image.open(buffer).convert("RGB").quantize(PALETTE).save(path, optimize=True)


def _spectra(ax: Any, tracks: Sequence[Track], synthetic: Sequence[Sequence[Floats]]) -> None:
    for track, drawn, color in zip(tracks, synthetic, COLORS, strict=True):
        rate_hz = track.condition.rate_hz
        real = mean_spectrum(track.errors_percent()[track.seen], rate_hz)
        made = np.mean([mean_spectrum(errors, rate_hz) for errors in drawn], axis=0)
        frequencies = np.linspace(0.0, rate_hz / 2.0, len(real) + 1)[1:]
        ax.plot(frequencies, 10.0 * np.log10(real), color=color, **MEASURED)
        ax.plot(frequencies, 10.0 * np.log10(made), color=color, **SYNTHETIC)
    ax.set(xscale="log", xlabel="frequency, Hz", ylabel="dB (1 %² / Hz)", title="Power spectrum of the error")
    ax.set_xticks([0.3, 1, 3, 10], ["0.3", "1", "3", "10"])


def _correlation(ax: Any, tracks: Sequence[Track], synthetic: Sequence[Sequence[Floats]]) -> None:
    for track, drawn, color in zip(tracks, synthetic, COLORS, strict=True):
        places = track.true[0, :, :2] / track.size_px[0]
        distance, real = correlation_by_distance(track.errors_percent()[track.seen], places, EDGES)
        _, made = correlation_by_distance(np.concatenate(drawn), places, EDGES)
        ax.plot(distance, real, color=color, marker="o", ms=3, **MEASURED)
        ax.plot(distance, made, color=color, marker="o", ms=3, mfc="white", **SYNTHETIC)
    ax.axhline(0.0, color="0.6", lw=0.8)
    ax.set(
        xlabel="distance of two points, face sizes",
        ylabel="correlation",
        title="Changes from frame to frame, between points",
    )


def _strength(ax: Any, compared: Sequence[Compared]) -> None:
    every = [value for one in compared for value in (*one.measured.values(), *one.synthetic.values())]
    ends = np.array([0.7 * min(every), 1.4 * max(every)])
    ax.fill_between(ends, ends * 0.85, ends * 1.15, color="0.88", lw=0, label="± 15 %")
    names = {"sta1_percent": "sta1, %", "jitter_px": "jitter, px of 256", "stability_percent": "stability, %"}
    for name, color, marker in zip(FIGURES, ("#b03060", "#2f7f86", "#a08020"), "o^s", strict=True):
        x = [one.measured[name] for one in compared]
        y = [one.synthetic[name] for one in compared]
        ax.plot(x, y, marker, color=color, ms=3.5, alpha=0.75, mew=0, label=names[name])
    ax.set(xscale="log", yscale="log", xlim=ends, ylim=ends, xlabel="measured", ylabel="synthetic")
    ax.set_title(f"All {len(compared)} conditions")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_ticks([0.1, 0.3, 1, 3, 10], ["0.1", "0.3", "1", "3", "10"])
        axis.set_minor_locator(_no_ticks())
    ax.legend(fontsize=8, frameon=False, loc="upper left")


def _sizes(ax: Any, compared: Sequence[Compared]) -> None:
    grid: dict[float, list[tuple[float, Compared]]] = {}
    for one in compared:
        size, _, grain = one.name.partition(" px, grain ")
        if grain:
            grid.setdefault(float(grain), []).append((float(size), one))
    for (grain_level, row), shade in zip(sorted(grid.items()), SHADES, strict=False):
        sizes = [size_px for size_px, _ in row]
        ax.plot(sizes, [one.measured["sta1_percent"] for _, one in row], color=shade, **MEASURED)
        ax.plot(sizes, [one.synthetic["sta1_percent"] for _, one in row], color=shade, **SYNTHETIC)
        place = (sizes[0], row[0][1].measured["sta1_percent"])
        label = {"xytext": (-4, 2), "textcoords": "offset points", "ha": "right"}
        ax.annotate(f"grain {grain_level:.0f}", place, fontsize=8, color=shade, **label)
    ax.set(xscale="log", yscale="log", xlabel="face size, px", ylabel="sta1, %", title="Size of the face and grain")
    ax.set_xlim(18, 560)
    ax.set_xticks([40, 80, 160, 320], ["40", "80", "160", "320"])
    ax.set_yticks([0.1, 0.3, 1, 3], ["0.1", "0.3", "1", "3"])
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_minor_locator(_no_ticks())


def _distribution(ax: Any, tracks: Sequence[Track], synthetic: Sequence[Sequence[Floats]]) -> None:
    """Of single frames' bends, in units of the measured mean, so that all conditions fit on one axis."""
    for track, drawn, color in zip(tracks, synthetic, COLORS, strict=True):
        real, made = _bends(track.errors_percent()[track.seen]), np.concatenate([_bends(errors) for errors in drawn])
        for values, style in ((real, MEASURED), (made, SYNTHETIC)):
            ax.plot(np.sort(values) / real.mean(), np.linspace(0.0, 1.0, len(values)), color=color, **style)
    ax.set(
        xlim=(0.0, 3.0),
        xlabel="one frame's part of sta1, over the measured mean",
        ylabel="share of frames below",
        title="Distribution over frames",
    )


def _bends(errors: Floats) -> Floats:
    """(T - 2,) root mean square over points of each frame's distance from the middle of its neighbours."""
    bends = errors[1:-1, :, :2] - (errors[:-2, :, :2] + errors[2:, :, :2]) / 2.0
    return np.asarray(np.sqrt(np.square(bends).sum(axis=2).mean(axis=1)))


def _track(ax: Any, track: Track, made: Floats) -> None:
    frames = round(TRACE_S * track.condition.rate_hz)
    t_s = np.arange(frames) / track.condition.rate_hz
    real = track.errors_percent()[track.seen]
    for errors, style, shift in ((real, MEASURED, 0.6), (made, SYNTHETIC | {"ls": "-"}, -0.6)):
        x = errors[:frames, MOUTH_CORNER, 0]
        ax.plot(t_s, x - x.mean() + shift, color=COLORS[1], **(style | {"lw": 1.1}))
    ax.text(0.02, 1.25, "measured", fontsize=9)
    ax.text(0.02, -1.35, "synthetic", fontsize=9)
    ax.set(ylim=(-1.6, 1.6), xlabel="time, s", ylabel="% of the face's size")
    ax.set_title(f"x of a mouth corner, {track.condition.name}")


def _no_ticks() -> Any:
    from matplotlib.ticker import NullLocator

    return NullLocator()
