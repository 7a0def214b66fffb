"""Media files made on the spot, and the least privileged user there is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

CLIPS = Path(__file__).resolve().parents[3] / "shared" / "data" / "videos"
NOBODY = 65534


def picture(index: int, width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    """(height, width, 3) RGB: red above blue, with a grey level that tells the index."""
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 2] = (250, 0, 0)
    image[height // 2 :] = (0, 0, 250)
    image[:, width // 2 :] = index * 6
    return image


def index_of(image: NDArray[np.uint8]) -> int:
    """The index that `picture` wrote."""
    height, width = image.shape[:2]
    return round(float(image[8 : height - 8, width * 3 // 4 : width - 8].mean()) / 6)


@pytest.fixture(name="picture")
def fixture_picture() -> Callable[..., NDArray[np.uint8]]:
    return picture


@pytest.fixture(name="index_of")
def fixture_index_of() -> Callable[[NDArray[np.uint8]], int]:
    return index_of


@pytest.fixture
def make_video(tmp_path: Path) -> Callable[..., Path]:
    """Writes a video of numbered pictures."""

    def make(name: str = "clip.avi", frames: int = 20, rate_hz: float = 25.0, codec: str = "MJPG") -> Path:
        path = tmp_path / name
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), rate_hz, (64, 48))
        assert writer.isOpened()
        for index in range(frames):
            writer.write(cv2.cvtColor(picture(index), cv2.COLOR_RGB2BGR))
        writer.release()
        return path

    return make


@pytest.fixture
def clips() -> Path:
    """Real clips, where the machine has them."""
    if not CLIPS.is_dir():
        pytest.skip(f"the real clips are not here ({CLIPS})")
    return CLIPS


@pytest.fixture
def unprivileged(tmp_path: Path) -> Iterator[None]:
    """Root may read everything: be somebody else meanwhile."""
    if os.geteuid() != 0:
        yield
        return
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == 0 and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
