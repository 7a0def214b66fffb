"""Images of a sequence, read one by one as they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import DatasetFileError, ImageError, SourceError

Image = NDArray[np.uint8]


class Images(Protocol):
    """Images (H, W, 3) RGB in order; they can be gone through more than once."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Image]: ...


class ImageFiles:
    """One file an image."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = tuple(paths)

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[Image]:
        """One that cannot be read raises DatasetFileError; the next call goes on with the next image."""
        return map(_read, self.paths)


class VideoImages:
    """All frames of a video file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __len__(self) -> int:
        return video_length(self.path)

    def __iter__(self) -> Iterator[Image]:
        from face1d_ros.sources.video import VideoFile

        try:
            with VideoFile(self.path) as video:
                for frame in video.frames():
                    yield frame.image
        except SourceError as error:
            raise DatasetFileError(self.path, str(error), "a whole video") from error


def _read(path: Path) -> Image:
    from face1d_ros.sources.folder import read_image

    try:
        return read_image(path)
    except ImageError as error:
        came = f"nothing that can be decoded ({error.reason})"
        raise DatasetFileError(path, came, "an image") from error


def video_length(path: Path) -> int:
    """Frames that a video announces; 0 if it cannot be opened."""
    if not path.is_file():
        return 0
    import cv2

    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        return max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT))) if capture.isOpened() else 0
    finally:
        capture.release()
