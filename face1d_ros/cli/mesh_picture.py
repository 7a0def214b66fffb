"""The pictures of `face1d evaluate mesh`: error over the face, curves beside a capture, correlations, asymmetry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from face1d_ros.cli.asymmetry_picture import write_asymmetry
from face1d_ros.cli.mesh_run import Run
from face1d_ros.cli.plots import dress, make_folder, pyplot_for, save
from face1d_ros.cli.tables import shown
from face1d_ros.evaluate.mesh import FRAME, Judged, compared, mean
from face1d_ros.evaluate.mesh_report import LEAST_CAPTURED, RIDGE, capture_rows
from face1d_ros.evaluate.real_mesh import CURVES, Curves
from face1d_ros.synth.faces.model import FaceModel
from face1d_ros.synth.faces.picture import BACKGROUND, Image, shaded, sheet, view_of, write_picture, write_text

Floats = NDArray[np.float64]
OPTION = "--pictures"
YAWS_RAD = (0.0, -0.95)
"""Front and side."""
HEIGHT_PX, BAR_PX = 430, 70
NEAREST = 3
"""Compared vertices that the colour of a vertex is taken of."""
SPANS = {FRAME: "one frame", "3s": "after 3 s"}
OURS, THEIRS, TRUTH = "#c51b8a", "#e69f00", "#222222"


def write_pictures(folder: Path, run: Run) -> list[Path]:
    """All that there is something to draw of; the files."""
    make_folder(folder)
    written = [folder / "mesh_error.png", folder / "mesh_coefficients.png"]
    write_error_map(written[0], run)
    write_correlations(written[1], run)
    if run.curves:
        written.append(folder / "mesh_capture.png")
        write_curves(written[-1], run.curves, run.default.name if run.default else RIDGE)
    if run.asymmetry is not None:
        written.append(folder / "asymmetry.png")
        write_asymmetry(written[-1], run.asymmetry)
    return written


def write_error_map(path: Path, run: Run) -> None:
    """Mean error of each part of the face: ridge, and the default, from the front and from the side."""
    faces = [(RIDGE, FRAME)] + ([(run.default.name, span) for span in SPANS] if run.default else [])
    errors = [
        (name, span, over_the_face(run.face, run.judged[name], span))
        for name, span in faces
        if any(span in one.surface_mm for one in run.judged[name])
    ]
    most_mm = float(np.ceil(2.0 * max(np.quantile(error, 0.98) for _, _, error in errors))) / 2.0
    rows = []
    for name, span, error in errors:
        drawn = [_drawn(run.face, error, yaw_rad, most_mm) for yaw_rad in YAWS_RAD]
        mean_mm = mean([one.mesh_mm(span) for one in run.judged[name]])
        write_text(drawn[0], [name, SPANS[span], f"{mean_mm:.2f} mm"], 0.5)
        rows.append(np.hstack([*drawn, _bar(drawn[0].shape[0], most_mm)]))
    write_picture(path, sheet([rows]))


def over_the_face(face: FaceModel, judged: list[Judged], span: str) -> Floats:
    """(V,) mm, of all vertices of the face model: mean over sequences, between the vertices that were compared."""
    from scipy.spatial import cKDTree

    known = np.mean([one.surface_mm[span] for one in judged if span in one.surface_mm], axis=0)
    distance, nearest = cKDTree(face.mean_mm[compared(face)]).query(face.mean_mm, k=NEAREST)
    weights = 1.0 / (distance + 1e-3)
    found: Floats = (weights * known[nearest]).sum(axis=1) / weights.sum(axis=1)
    return found


def write_curves(path: Path, curves: tuple[Curves, ...], name: str) -> None:
    """Blink, jaw and smile of a capture, and as they are read of each subject that it was laid on."""
    pyplot, rows = pyplot_for(OPTION), capture_rows(name, curves)
    figure, axes = pyplot.subplots(len(CURVES), 1, figsize=(9.6, 6.6), sharex=True, layout="constrained")
    for axis, curve in zip(axes, CURVES, strict=True):
        for number, one in enumerate(curves):
            label = f"{name}, {len(curves)} subjects" if number == 0 else None
            axis.plot(one.stamps_s, one.found[curve], color=OURS, lw=1.0, alpha=0.6, label=label)
        axis.plot(curves[0].stamps_s, curves[0].truth[curve], color=TRUTH, lw=1.4, ls=(0, (4, 2)), label="capture")
        row = next(row for row in rows if row["curve"] == curve)
        title = f"{curve}: correlation {shown(row['correlation'])}, least {shown(row['least'])}"
        axis.set_title(title, loc="left", fontsize=10)
        dress(axis)
    axes[0].legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1.0, 1.0), fontsize=9.5)
    axes[-1].set_xlabel(f"s (wanted: a correlation of {LEAST_CAPTURED:g})")
    save(figure, path)


def write_correlations(path: Path, run: Run) -> None:
    """A pair of bars for each coefficient."""
    pyplot = pyplot_for(OPTION)
    rows = run.measurement.part("coefficient")
    ours = run.default.name if run.default else RIDGE
    value = {(row["model"], row["coefficient"]): row["correlation"] for row in rows}
    counts = {row["coefficient"]: row["visible"] for row in rows}
    names = sorted(counts, key=lambda name: np.nan_to_num(value[ours, name], nan=-1.0))
    figure, axis = pyplot.subplots(figsize=(8.2, 12.0), layout="constrained")
    places = np.arange(len(names))
    pairs = ((RIDGE, THEIRS, -0.2), (ours, OURS, 0.2))
    for model, colour, off in pairs if run.default else pairs[:1]:
        heights = np.nan_to_num([value[model, name] for name in names])
        axis.barh(places + off, heights, 0.4, color=colour, label=model)
    axis.set_yticks(places, [name if counts[name] else f"({name})" for name in names], fontsize=8)
    axis.axvline(0.9, color="#888888", lw=0.8, ls="--")
    axis.set_xlabel("correlation with the truth; in brackets: hardly to be seen in landmarks, and not counted")
    axis.set_xlim(min(0.0, *(axis.get_xlim()[:1])), 1.0)
    axis.set_ylim(-0.8, len(names) - 0.2)
    axis.legend(frameon=False, loc="lower right")
    dress(axis)
    save(figure, path)


def _drawn(face: FaceModel, error_mm: Floats, yaw_rad: float, most_mm: float) -> Image:
    view = view_of(face.mean_mm, yaw_rad, HEIGHT_PX)
    return shaded(face.mean_mm, face.triangles, view, _colours(error_mm / most_mm).astype(np.float64))


def _bar(height_px: int, most_mm: float) -> Image:
    """What the colours mean."""
    bar = np.full((height_px, BAR_PX, 3), BACKGROUND, np.uint8)
    top, bottom = round(0.1 * height_px), round(0.9 * height_px)
    bar[top:bottom, 8:22] = _colours(np.linspace(1.0, 0.0, bottom - top))[:, None]
    for share in (0.0, 0.5, 1.0):
        place = (26, round(bottom + share * (top - bottom)) + 4)
        cv2.putText(bar, f"{share * most_mm:g}", place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (235, 235, 235), 1, cv2.LINE_AA)
    cv2.putText(bar, "mm", (8, top - 10), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (235, 235, 235), 1, cv2.LINE_AA)
    return bar


def _colours(shares: Any) -> NDArray[np.uint8]:
    """(M, 3) RGB of (M,) from 0 to 1."""
    levels = np.round(255.0 * np.clip(shares, 0.0, 1.0)).astype(np.uint8)
    return np.asarray(cv2.applyColorMap(levels[:, None], cv2.COLORMAP_VIRIDIS)[:, 0, ::-1])
