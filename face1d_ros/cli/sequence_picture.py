"""Pictures of a synthetic sequence: the face as seen and as it is, and what happens over time."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from face1d_ros.cli.timeline_picture import PAPER, TEXT_COLOUR, text, timeline, with_cursor
from face1d_ros.geometry.topology import contours
from face1d_ros.synth.motion.types import LABELS
from face1d_ros.synth.sequence import Sequence
from face1d_ros.types import FloatArray, Phase, Topology

Image: TypeAlias = NDArray[np.uint8]
FACE_PX = 480
WIDTH_PX = 1440
COLUMNS, ROWS = 6, 2
TILE_PX = WIDTH_PX // COLUMNS
SHIFT = 4
"""Fractional bits of coordinates."""
CLEAN, OBSERVED, HIDDEN, FRAME = (70, 130, 70), (214, 106, 20), (200, 30, 60), (150, 150, 150)
"""RGB."""
MARGIN = 1.25


def contact_sheet(sequence: Sequence) -> Image:
    """RGB: twelve moments, and the timeline with their places."""
    moments = np.linspace(0, len(sequence) - 1, COLUMNS * ROWS).round().astype(int).tolist()
    tiles = [face(sequence, moment, TILE_PX) for moment in moments]
    rows = [np.hstack(tiles[row * COLUMNS : (row + 1) * COLUMNS]) for row in range(ROWS)]
    lines = timeline(sequence, WIDTH_PX)
    for moment in moments:
        lines = with_cursor(lines, sequence, moment, FRAME)
    return np.vstack([heading(sequence), *rows, lines])


def animation_frame(sequence: Sequence, index: int, lines: Image) -> Image:
    """RGB: a moment as seen and as it is, beside the camera's view, above the timeline that `timeline` drew."""
    panel = np.full((FACE_PX, WIDTH_PX - FACE_PX, 3), PAPER, np.uint8)
    view = camera_view(sequence, index, panel.shape[1] - 40, FACE_PX - 60)
    panel[50 : 50 + view.shape[0], 20 : 20 + view.shape[1]] = view
    text(panel, f"{sequence.stamps_s[index]:6.2f} s   {state(sequence, index)}", (20, 32), 0.6)
    top = np.hstack([face(sequence, index, FACE_PX), panel])
    return np.vstack([heading(sequence), top, with_cursor(lines, sequence, index)])


def heading(sequence: Sequence) -> Image:
    """A line that says what it is."""
    plan = sequence.plan
    band = np.full((36, WIDTH_PX, 3), PAPER, np.uint8)
    camera = f"{plan.camera.rate_hz:g} Hz, {plan.camera.width} x {plan.camera.height}"
    text(band, f"{sequence.name}   subject {sequence.subject_id}   {camera}", (12, 24), 0.55)
    for place, (colour, name) in enumerate(((CLEAN, "truth"), (OBSERVED, "detected"), (HIDDEN, "hidden"))):
        left = WIDTH_PX - 330 + 110 * place
        cv2.circle(band, (left, 19), 5, colour, -1, cv2.LINE_AA)
        text(band, name, (left + 10, 24), 0.5)
    return band


def state(sequence: Sequence, index: int) -> str:
    """Label, phase and intensity in words."""
    label = int(sequence.label[index])
    shown = f"{LABELS[label]}, {Phase(int(sequence.phase[index])).name.lower()}, {sequence.intensity[index]:.2f}"
    motion = f", motion {sequence.motion_id[index]}" if sequence.motion_id[index] else ""
    seen = "" if sequence.seen[index] else ", NOT SEEN"
    return f"{shown if label >= 0 else 'none of the expressions'}{motion}{seen}"


def face(sequence: Sequence, index: int, size: int) -> Image:
    """(size, size, 3): the clean face as lines, what was detected as points; the window follows the face."""
    tile = np.full((size, size, 3), PAPER, np.uint8)
    clean = sequence.clean_px[index, :, :2]
    middle = (clean.min(axis=0) + clean.max(axis=0)) / 2.0
    scale = size / (MARGIN * _largest_extent(sequence))
    _lines(tile, (clean - middle) * scale + size / 2.0, sequence.topology)
    if sequence.seen[index]:
        observed = (sequence.observed[index, :, :2] - middle) * scale + size / 2.0
        radius = max(size // 320, 1)
        for (x, y), hidden in zip(observed, sequence.occluded[index], strict=True):
            _dot(tile, x, y, radius, HIDDEN if hidden else OBSERVED)
    elif not sequence.present[index]:
        text(tile, "left the image", (10, size // 2), 0.5)
    text(tile, f"{sequence.stamps_s[index]:.2f} s", (8, 18), 0.42)
    text(tile, state(sequence, index)[: size // 7], (8, size - 10), 0.38)
    cv2.rectangle(tile, (0, 0), (size - 1, size - 1), FRAME, 1)
    return tile


def camera_view(sequence: Sequence, index: int, width: int, height: int) -> Image:
    """The camera's whole image, as large as fits."""
    camera = sequence.plan.camera
    scale = min(width / camera.width, height / camera.height)
    view = np.full((round(camera.height * scale), round(camera.width * scale), 3), 255, np.uint8)
    points = sequence.clean_px[index, :, :2] * scale
    _lines(view, points, sequence.topology)
    if sequence.seen[index]:
        for x, y in sequence.observed[index, :, :2] * scale:
            _dot(view, x, y, 1, OBSERVED)
    cv2.rectangle(view, (0, 0), (view.shape[1] - 1, view.shape[0] - 1), TEXT_COLOUR, 1)
    return view


def _largest_extent(sequence: Sequence) -> float:
    extent = np.ptp(sequence.clean_px[:: max(len(sequence) // 60, 1), :, :2], axis=1)
    return float(extent.max())


def _lines(image: Image, points: FloatArray, topology: Topology) -> None:
    fixed = np.round(np.clip(points, -1e4, 1e4) * (1 << SHIFT)).astype(np.int32)
    cv2.polylines(image, list(fixed[contours(topology)]), False, CLEAN, 1, cv2.LINE_AA, SHIFT)


def _dot(image: Image, x: float, y: float, radius: int, colour: tuple[int, int, int]) -> None:
    if abs(x) < 1e4 and abs(y) < 1e4:
        centre = round(float(x) * (1 << SHIFT)), round(float(y) * (1 << SHIFT))
        cv2.circle(image, centre, radius << SHIFT, colour, -1, cv2.LINE_AA, SHIFT)
