"""What all plots have in common: matplotlib without a screen, a quiet look, and how they become files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from face1d_ros.errors import MissingDependencyError, RecordingError

DPI = 110


def pyplot_for(option: str) -> Any:
    """matplotlib.pyplot, for what this option draws."""
    try:
        import matplotlib
    except ImportError as error:
        raise MissingDependencyError("matplotlib", option, "pip install matplotlib") from error
    matplotlib.use("agg")
    from matplotlib import pyplot

    return pyplot


def make_folder(folder: Path) -> None:
    """Where pictures go. Raises RecordingError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecordingError(f"cannot write into {folder}: {error.strerror}; name a folder that can be made") from error


def dress(axis: Any) -> None:
    """A faint grid behind what is drawn, and no frame at the top and on the right."""
    axis.grid(True, which="major", color="#dddddd", lw=0.7)
    axis.set_axisbelow(True)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def save(figure: Any, path: Path) -> None:
    """Write it and let go of it. Raises RecordingError."""
    from matplotlib import pyplot

    try:
        figure.savefig(path, dpi=DPI)
    except (OSError, ValueError) as error:
        raise RecordingError(
            f"cannot write {path}: {error}; name a .png, .svg or .pdf in a folder that exists"
        ) from error
    finally:
        pyplot.close(figure)
