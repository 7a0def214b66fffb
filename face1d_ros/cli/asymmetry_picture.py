"""A picture of `face1d evaluate mesh`: the asymmetry index against the weakness that is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from face1d_ros.cli.plots import dress, pyplot_for, save
from face1d_ros.evaluate.asymmetry import AsymmetryFigures, Indexed
from face1d_ros.geometry.asymmetry import SIDE_FROM
from face1d_ros.synth.motion.types import SIDES

COLOURS = {"left": "#e69f00", "right": "#1f77b4", "": "#7a7a7a"}
MARKS = {"right": "o", "none": "s", "wrong": "X"}
OPTION = "--pictures"


def write_asymmetry(path: Path, figures: AsymmetryFigures) -> None:
    """Every palsy, at its weakness, and symmetric faces at the left; the mark tells which side was named."""
    pyplot = pyplot_for(OPTION)
    figure, axis = pyplot.subplots(figsize=(7.4, 4.8), layout="constrained")
    weakness = np.linspace(0.0, 1.0, 101)
    axis.plot(
        weakness, weakness / (2.0 - weakness), color="#bbbbb5", lw=1.5, label="if nothing else differed", zorder=1
    )
    axis.axhline(SIDE_FROM, color="#bbbbb5", lw=0.8, ls=":", zorder=1)
    every = (*figures.palsies, *figures.symmetric)
    for side in (*SIDES, ""):
        for verdict, mark in MARKS.items():
            chosen = [one for one in every if (one.side, _verdict(one)) == (side, verdict)]
            if chosen:
                label = f"{f'weak {side}' if side else 'symmetric'}, {_words(verdict)}"
                places = np.array([(one.weakness, one.index) for one in chosen]).T
                look = {"color": COLOURS[side], "marker": mark, "ec": "white", "lw": 0.6}
                axis.scatter(*places, s=34, label=label, zorder=3, **look)
    axis.set_xlim(-0.03, 1.03)
    axis.set_ylim(-0.02, 1.02)
    axis.set_xlabel("weakness of one side")
    axis.set_ylabel("asymmetry index")
    axis.set_title(f"Spearman {figures.spearman:.3f} over {len(figures.palsies)} palsies", loc="left", fontsize=11)
    axis.legend(frameon=False, loc="upper left", fontsize=9)
    dress(axis)
    save(figure, path)


def _verdict(one: Indexed) -> str:
    if one.is_false:
        return "wrong"
    return "right" if one.weaker_side else "none"


def _words(verdict: str) -> str:
    return {"right": "named", "none": "no side named", "wrong": "wrong side named"}[verdict]
