"""Tiny folders with the layouts of real datasets."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

SIZE = (32, 24)


def points_68(seed: int = 0) -> np.ndarray:
    """(68, 2) within a small image, to two decimals."""
    return np.random.default_rng(seed).uniform(2, 20, (68, 2)).round(2)


def write_image(path: Path, value: int = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((SIZE[1], SIZE[0], 3), value, np.uint8))
    return path


def write_pts(path: Path, points: np.ndarray) -> Path:
    """As the 300W family writes them: the first pixel is 1."""
    lines = [f"{x:.3f} {y:.3f}" for x, y in points + 1.0]
    return write_text(path, "\n".join(["version: 1", f"n_points:  {len(points)}", "{", *lines, "}"]) + "\n")


def write_text(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def write_video(path: Path, frames: int | list[np.ndarray], rate_hz: float = 25.0) -> Path:
    """So many grey frames, each 10 brighter than the last, or those given (RGB)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(frames, int):
        frames = [np.full((SIZE[1], SIZE[0], 3), 10 * (1 + index), np.uint8) for index in range(frames)]
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), rate_hz, (width, height))
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    writer.release()
    return path
