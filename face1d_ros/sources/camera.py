"""Frames of a V4L2 camera."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from face1d_ros.errors import SourceNotFoundError, SourceUnreadableError
from face1d_ros.sources.base import Opened
from face1d_ros.types import Frame, Header

STALL_TIMEOUT_S = 3
"""Without a frame for so long a camera counts as stalled; OpenCV's own 10 s are too long for a robot."""
RAW_BYTES_PER_PIXEL = 2
"""YUYV, what nearly every USB camera gives uncompressed."""
USB2_BYTES_PER_S = 35e6
"""What USB 2 carries in practice; beyond it a camera lowers its rate unless it compresses."""


def _v4l2(device: str) -> cv2.VideoCapture:
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(STALL_TIMEOUT_S))
    return cv2.VideoCapture(device, cv2.CAP_V4L2)


class V4l2Camera(Opened):
    """A camera as close to the asked size and rate as it can; frames are stamped as they arrive."""

    live = True
    length = None

    def __init__(
        self,
        device: str,
        *,
        width: int,
        height: int,
        rate_hz: float,
        clock: Callable[[], int],
        frame_id: str = "",
        open_capture: Callable[[str], cv2.VideoCapture] = _v4l2,
    ) -> None:
        """`clock` gives the present time in ns; it is asked once per frame."""
        self._device = device
        self._clock = clock
        self._frame_id = frame_id
        self.skipped: Counter[str] = Counter()
        check_device(device)
        self._capture = open_capture(device)
        if not self._capture.isOpened():
            raise SourceUnreadableError(
                device,
                "cannot be opened: another program uses it ('fuser -v' names it), or it is no capture device "
                f"('v4l2-ctl --list-devices' tells; devices here: {existing_devices()})",
            )
        self._ask(width, height, rate_hz)
        self.width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        got_hz = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.rate_hz = got_hz if got_hz > 0.0 else None
        self._asked = f"{width}×{height} at {rate_hz:g} Hz"

    @property
    def description(self) -> str:
        """Device, size and rate; and what was asked where it differs."""
        rate = "unknown rate" if self.rate_hz is None else f"{self.rate_hz:g} Hz"
        got = f"{self.width}×{self.height} at {rate}"
        return f"camera {self._device}, {got}" + ("" if got == self._asked else f" (asked for {self._asked})")

    def frames(self) -> Iterator[Frame]:
        """Frames as they come; raises SourceError when the camera stalls or vanishes."""
        while self._capture.grab():
            stamp_ns = self._clock()
            taken, image = self._capture.retrieve()
            if not taken or image is None:
                self.skipped["undecodable"] += 1
            elif image.shape[:2] != (self.height, self.width):
                self.skipped["size"] += 1
            else:
                rgb = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
                yield Frame(Header(stamp_ns=stamp_ns, frame_id=self._frame_id), rgb)
        if not Path(self._device).exists():
            raise SourceNotFoundError(self._device, "the camera has vanished; plug it in again")
        raise SourceUnreadableError(self._device, "the camera is there but gives no more frames (stalled)")

    def close(self) -> None:
        """Frees the device."""
        self._capture.release()

    def _ask(self, width: int, height: int, rate_hz: float) -> None:
        """Asks for size and rate, compressed where the cable cannot carry them raw."""
        if width * height * rate_hz * RAW_BYTES_PER_PIXEL > USB2_BYTES_PER_S:
            self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        self._capture.set(cv2.CAP_PROP_FPS, rate_hz)


def existing_devices(folder: Path = Path("/dev")) -> str:
    """The video devices of this machine, in words."""
    found = sorted(folder.glob("video*"), key=lambda p: (len(p.name), p.name))
    return ", ".join(map(str, found)) or "none"


def check_device(device: str) -> None:
    """Says what is wrong with a device that is not there or must not be read."""
    path = Path(device)
    if not path.exists():
        raise SourceNotFoundError(device, f"plug in a camera, or choose one of the devices here: {existing_devices()}")
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    except PermissionError as error:
        raise SourceUnreadableError(
            device,
            "permission denied; add yourself to its group and log in again: sudo usermod -aG video $USER",
        ) from error
    except OSError as error:
        raise SourceUnreadableError(device, f"cannot be opened: {error.strerror}") from error
