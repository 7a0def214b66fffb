"""The pictures of `face1d evaluate identity`: errors against each other (DET), and where clips lie (t-SNE)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.cli.identity_eval_run import Run
from face1d_ros.cli.plots import dress, make_folder, pyplot_for, save
from face1d_ros.evaluate.identity_cases import Encoded
from face1d_ros.evaluate.identity_protocol import Scores
from face1d_ros.evaluate.identity_report import BASELINES
from face1d_ros.evaluate.identity_tsne import tsne
from face1d_ros.evaluate.verification import curve

OPTION = "--pictures"
TICKS = (1e-4, 1e-3, 1e-2, 0.05, 0.1, 0.2, 0.4)
LEAST, MOST = 5e-5, 0.5
"""Shares that the DET picture shows."""
DEFAULT_COLOUR, BASELINE_STYLES = "#c51b8a", ("--", ":")
COLOURS = ("#1f77b4", "#2ca02c", "#e69f00", "#7a7a7a", "#8c564b", "#17becf")
SUBJECT_COLOURS = ("#1b6ca8", "#d1495b", "#2e8b57", "#e08e0b", "#6a4c93")
MARKS = ("o", "^", "s", "D", "P")
SUBJECTS, MOTIONS = 5, 5
"""Whose clips are shown, and how many motions of each, as in Figure 9 of the paper."""
MOST_POINTS = 4000
"""Of a curve that is drawn."""


def write_pictures(folder: Path, run: Run) -> list[Path]:
    """Those that there is something for; the files."""
    make_folder(folder)
    written = [folder / "identity_det.png"]
    figure, axis = pyplot_for(OPTION).subplots(figsize=(7.4, 6.2), layout="constrained")
    draw_det(axis, run.kept.scores, run.default)
    axis.set_title(f"Pairs within subjects: {run.name}", loc="left", fontsize=10)
    save(figure, written[0])
    if run.kept.repeated is not None and len(run.kept.repeated.clips) >= SUBJECTS:
        written.append(folder / "identity_tsne.png")
        figure, axis = pyplot_for(OPTION).subplots(figsize=(7.6, 6.4), layout="constrained")
        draw_tsne(axis, run.kept.repeated)
        axis.set_title(
            f"t-SNE of clips by {run.default}: a colour for each subject, a mark for each motion",
            loc="left",
            fontsize=10,
        )
        save(figure, written[1])
    return written


def draw_det(axis: Any, scores: Mapping[str, tuple[Scores, NDArray[np.bool_]]], default: str | None) -> None:
    """False rejections against false matches of every contender, both on the scale of normal deviates."""
    others = iter(COLOURS)
    for name, (values, genuine) in scores.items():
        found = curve(values, genuine)
        step = max(len(found.fmr) // MOST_POINTS, 1)
        x, y = (_deviate(np.clip(share[::step], LEAST, 1.0 - LEAST)) for share in (found.fmr, found.fnmr))
        style = BASELINE_STYLES[BASELINES.index(name)] if name in BASELINES else "-"
        colour, width = (DEFAULT_COLOUR, 2.4) if name == default else (next(others, "#444444"), 1.6)
        axis.plot(x, y, style, color=colour, lw=width, label=name)
    ends = _deviate(np.array([LEAST, MOST]))
    axis.plot(ends, ends, color="#bbbbbb", lw=0.8, zorder=0)
    axis.text(ends[1] - 0.05, ends[1] - 0.15, "equal", ha="right", va="top", color="#888888", fontsize=8)
    ticks = _deviate(np.array(TICKS))
    names = [f"{100 * share:g} %" for share in TICKS]
    axis.set_xticks(ticks, names)
    axis.set_yticks(ticks, names)
    axis.set_xlim(*ends)
    axis.set_ylim(*ends)
    axis.set_xlabel("false matches: another motion of the subject is taken for this one")
    axis.set_ylabel("false rejections: a repetition is not known again")
    axis.legend(frameon=False, fontsize=9)
    dress(axis)


def draw_tsne(axis: Any, encoded: Encoded) -> None:
    """Clips of the first subjects; a name beside each motion's middle."""
    clips = encoded.clips
    subjects = np.unique(clips.subject)[:SUBJECTS].tolist()
    rows = np.flatnonzero(np.isin(clips.subject, subjects))
    chosen = encoded.chosen(rows)
    places = tsne(chosen.vectors)
    for number, subject in enumerate(subjects):
        own = chosen.clips.subject == subject
        for slot, motion in enumerate(np.unique(chosen.clips.motion[own])[:MOTIONS]):
            which = chosen.clips.motion == motion
            label = f"subject {number + 1}" if slot == 0 else None
            axis.scatter(*places[which].T, s=34, color=SUBJECT_COLOURS[number], marker=MARKS[slot], label=label,
                         lw=0.5, ec="white")  # fmt: skip
    axis.set_xticks([])
    axis.set_yticks([])
    axis.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    for side in ("top", "right", "bottom", "left"):
        axis.spines[side].set_color("#cccccc")


def _deviate(shares: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Normal deviates of shares between 0 and 1."""
    inverse = NormalDist().inv_cdf
    return np.array([inverse(float(share)) for share in shares])
