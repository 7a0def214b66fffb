"""The pictures of `face1d bench growth`: milliseconds by faces and by image size, processor time by rate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from face1d_ros.cli.pipeline_sides import BETWEEN, WHOLE
from face1d_ros.cli.plots import dress, pyplot_for, save

Rows = Sequence[Mapping[str, Any]]
SIZE_IN = (7.0, 3.8)
COLORS = ("#2a6f97", "#61a5c2", "#e09f3e", "#9e2a2b", "#6a994e", "#adb5bd")
WHOLE_COLOR = "#222222"


def draw(rows: Rows, folder: Path) -> list[Path]:
    """A picture of each part that was measured."""
    made = []
    for part, drawn in (("faces", _faces), ("size", _size), ("rate", _rate)):
        of_it = [row for row in rows if row["part"] == part]
        if not of_it:
            continue
        figure, axis = pyplot_for("--pictures").subplots(figsize=SIZE_IN, layout="constrained")
        drawn(axis, of_it)
        dress(axis)
        axis.set_ylim(bottom=0.0)
        path = folder / f"growth_{part}.png"
        save(figure, path)
        made.append(path)
    return made


def _faces(axis: Any, rows: Rows) -> None:
    counts = [row["faces"] for row in rows if row["what"] == WHOLE]
    _stacked(axis, counts, rows)
    axis.set_xticks(counts)
    axis.set_xlabel("faces in an image of 1280×480")


def _size(axis: Any, rows: Rows) -> None:
    names = [row["image"] for row in rows if row["what"] == WHOLE]
    places = list(range(len(names)))
    _stacked(axis, places, rows)
    axis.set_xticks(places, names)
    axis.set_xlabel("image, one face half as high")


def _stacked(axis: Any, places: Sequence[float], rows: Rows) -> None:
    """Bars of the stages on one another, and the processor's time of the whole."""
    bottom = [0.0] * len(places)
    for color, (stage, ms) in zip(COLORS, _stages(rows), strict=False):
        axis.bar(places, ms, 0.62, bottom=bottom, color=color, label=stage)
        bottom = [low + value for low, value in zip(bottom, ms, strict=True)]
    cpu_ms = [row["cpu_ms"] for row in rows if row["what"] == WHOLE]
    axis.plot(places, cpu_ms, "o--", color=WHOLE_COLOR, ms=4, lw=1, label="processor time, all threads")
    axis.set_ylabel("ms a frame")
    axis.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _stages(rows: Rows) -> Iterator[tuple[str, list[float]]]:
    for stage in dict.fromkeys(row["what"] for row in rows if row["what"] != WHOLE):
        name = "between" if stage == BETWEEN else stage
        yield name, [max(row["ms"], 0.0) for row in rows if row["what"] == stage]


def _rate(axis: Any, rows: Rows) -> None:
    kept_hz = [row["kept_hz"] for row in rows]
    axis.plot(kept_hz, [row["cpu_percent"] for row in rows], "o-", color=COLORS[0], label="all stages, one face")
    axis.set_xlim(left=0.0)
    axis.set_xlabel("images a second, 640×480")
    axis.set_ylabel("percent of one core")
    axis.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
