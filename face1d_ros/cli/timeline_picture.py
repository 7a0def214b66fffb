"""What happens in a synthetic sequence over time, as lines and bands."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from face1d_ros.synth.motion.types import LABELS
from face1d_ros.synth.sequence import Sequence
from face1d_ros.types import Phase

Image: TypeAlias = NDArray[np.uint8]
Values: TypeAlias = NDArray[np.floating[Any]]
PAPER, TEXT_COLOUR, FAINT, CURSOR = (250, 250, 247), (40, 40, 40), (205, 205, 205), (200, 30, 60)
"""RGB."""
LEFT_PX, RIGHT_PX, ROW_PX, GAP_PX = 150, 20, 80, 10
BAND_PX = 22
COEFFICIENTS_SHOWN = 7
LINE_COLOURS = (
    (31, 119, 180),
    (255, 127, 14),
    (44, 160, 44),
    (214, 39, 40),
    (148, 103, 189),
    (140, 86, 75),
    (90, 90, 90),
)
LABEL_COLOURS = {
    "none": (225, 225, 225), "neutral": (245, 245, 240), "anger": (222, 90, 80), "contempt": (176, 140, 200),
    "disgust": (120, 170, 90), "fear": (110, 110, 190), "happiness": (245, 200, 80), "sadness": (110, 160, 210),
    "surprise": (245, 160, 110),
}  # fmt: skip
PHASE_SHADE = {Phase.NEUTRAL: 0.35, Phase.ONSET: 0.7, Phase.APEX: 1.0, Phase.OFFSET: 0.7}
RANGES = {"angles": (-60.0, 60.0), "gaze": (-30.0, 30.0)}


def timeline(sequence: Sequence, width: int) -> Image:
    """RGB: labels, phases and intensity, the coefficients that move most, head, gaze, and what was seen."""
    canvas = np.full((2 * (BAND_PX + GAP_PX) + 5 * (ROW_PX + GAP_PX) + 24, width, 3), PAPER, np.uint8)
    degrees = np.degrees
    top = GAP_PX
    top = _band(canvas, sequence, top, "expression", _label_colours(sequence))
    _label_words(canvas, sequence, top - GAP_PX - 7)
    top = _lines(canvas, sequence, top, {"intensity": sequence.intensity}, (0.0, 1.0))
    top = _lines(canvas, sequence, top, _moving_coefficients(sequence), (0.0, 1.0))
    angles = dict(zip(("yaw", "pitch", "roll"), degrees(sequence.yaw_pitch_roll_rad).T, strict=True))
    top = _lines(canvas, sequence, top, angles, RANGES["angles"])
    gaze = dict(zip(("gaze yaw", "gaze pitch"), degrees(sequence.gaze_rad).T, strict=True))
    top = _lines(canvas, sequence, top, gaze, RANGES["gaze"])
    shown = {"confidence": sequence.confidence, "hidden": sequence.occluded.mean(axis=1)}
    top = _lines(canvas, sequence, top, shown, (0.0, 1.0))
    top = _band(canvas, sequence, top, "seen", _seen_colours(sequence))
    _seconds(canvas, sequence, top + 6)
    return canvas


def with_cursor(lines: Image, sequence: Sequence, index: int, colour: tuple[int, int, int] = CURSOR) -> Image:
    """A copy with a line at a frame's time."""
    marked = lines.copy()
    x = int(_columns(sequence, lines.shape[1])[index])
    cv2.line(marked, (x, 0), (x, lines.shape[0] - 18), colour, 1, cv2.LINE_AA)
    return marked


def text(image: Image, words: str, place: tuple[int, int], size: float) -> None:
    """Dark words; `place` is their lower left end."""
    cv2.putText(image, words, place, cv2.FONT_HERSHEY_SIMPLEX, size, TEXT_COLOUR, 1, cv2.LINE_AA)


def _columns(sequence: Sequence, width: int) -> NDArray[np.float64]:
    """(T,) x of each frame."""
    span = max(float(sequence.stamps_s[-1]), 1e-9)
    return LEFT_PX + sequence.stamps_s / span * (width - LEFT_PX - RIGHT_PX - 1)


def _moving_coefficients(sequence: Sequence) -> dict[str, Values]:
    """Those that move most, the ones of the person's left and right as they come."""
    moving = np.argsort(-np.ptp(sequence.expression, axis=0), kind="stable")[:COEFFICIENTS_SHOWN]
    return {sequence.expression_names[index]: sequence.expression[:, index] for index in moving.tolist()}


def _lines(canvas: Image, sequence: Sequence, top: int, values: dict[str, Values], limits: tuple[float, float]) -> int:
    """A row of curves in one frame; the next row's top."""
    left, right = LEFT_PX, canvas.shape[1] - RIGHT_PX
    cv2.rectangle(canvas, (left, top), (right, top + ROW_PX), FAINT, 1)
    x, (low, high) = _columns(sequence, canvas.shape[1]), limits
    step = min(ROW_PX // max(len(values), 1), 18)
    for place, (name, row) in enumerate(values.items()):
        colour = LINE_COLOURS[place % len(LINE_COLOURS)]
        share = np.clip((np.nan_to_num(row, nan=low) - low) / (high - low), 0.0, 1.0)
        y = top + ROW_PX - share * ROW_PX
        cv2.polylines(canvas, [np.round(np.stack([x, y], 1) * 16).astype(np.int32)], False, colour, 1, cv2.LINE_AA, 4)
        cv2.putText(canvas, name, (8, top + 9 + place * step), cv2.FONT_HERSHEY_SIMPLEX, 0.36, colour, 1, cv2.LINE_AA)
    return top + ROW_PX + GAP_PX


def _band(canvas: Image, sequence: Sequence, top: int, name: str, colours: NDArray[np.uint8]) -> int:
    """A band whose colour changes frame by frame."""
    x = _columns(sequence, canvas.shape[1])
    pixels = np.arange(LEFT_PX, canvas.shape[1] - RIGHT_PX)
    frames = np.clip(np.searchsorted(x, pixels, "right") - 1, 0, len(x) - 1)
    canvas[top : top + BAND_PX, pixels] = colours[frames]
    text(canvas, name, (8, top + BAND_PX - 7), 0.42)
    return top + BAND_PX + GAP_PX


def _label_colours(sequence: Sequence) -> NDArray[np.uint8]:
    """(T, 3) the label's colour, stronger towards the apex."""
    names = [LABELS[label] if label >= 0 else "none" for label in sequence.label.tolist()]
    colours = np.array([LABEL_COLOURS[name] for name in names], np.float64)
    shade = np.array([PHASE_SHADE.get(Phase(phase), 1.0) for phase in sequence.phase.tolist()])[:, None]
    return np.asarray(255 - (255 - colours) * shade).astype(np.uint8)


def _label_words(canvas: Image, sequence: Sequence, baseline: int) -> None:
    """The name of each stretch of one label, where it fits."""
    x = _columns(sequence, canvas.shape[1])
    edges = [0, *(np.flatnonzero(np.diff(sequence.label)) + 1).tolist(), len(x)]
    for start, end in pairwise(edges):
        label = int(sequence.label[start])
        name = LABELS[label] if label >= 0 else "none of them"
        if x[end - 1] - x[start] > 8 * len(name):
            text(canvas, name, (int(x[start]) + 4, baseline), 0.4)


def _seen_colours(sequence: Sequence) -> NDArray[np.uint8]:
    colours = np.full((len(sequence), 3), (190, 220, 190), np.uint8)
    colours[sequence.occluded.any(axis=1)] = (245, 205, 140)
    colours[~sequence.seen] = (222, 90, 80)
    colours[~sequence.present] = (120, 120, 120)
    return colours


def _seconds(canvas: Image, sequence: Sequence, baseline: int) -> None:
    span = float(sequence.stamps_s[-1])
    step = next((step for step in (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0) if span / step <= 12), 300.0)
    for second in np.arange(0.0, span + 1e-9, step).tolist():
        x = LEFT_PX + second / max(span, 1e-9) * (canvas.shape[1] - LEFT_PX - RIGHT_PX - 1)
        text(canvas, f"{second:g} s", (int(x) - 6, baseline), 0.38)
