"""What a camera does to the portrait: light, blur and noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import InvalidValueError
from face1d_ros.sources.portrait_motion import Channel, channel_value

NOISE_TILE_MARGIN_PX = 64


@dataclass(frozen=True)
class PortraitImaging:
    """Disturbances of the image; none moves anything. All off by default."""

    exposure_s: float = 0.0
    """Time over which the moving portrait is averaged (motion blur), centred on the stamp."""
    exposure_samples: int = 8
    """Images averaged for one exposure."""
    defocus_px: float = 0.0
    """Standard deviation of a Gaussian blur."""
    noise: float = 0.0
    """Standard deviation of the sensor noise, in grey levels."""
    light: Channel = ()
    """Added to the gain of 1: -0.3 is 30 % darker."""
    side_light: Channel = ()
    """Gain falls by this from the image's left edge to its right edge, around the middle."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("exposure_s", "defocus_px", "noise"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0.0):
                raise InvalidValueError(f"PortraitImaging.{name}", value, "a number from 0")
        if self.exposure_samples < 1:
            raise InvalidValueError("PortraitImaging.exposure_samples", self.exposure_samples, "1 or more")

    def sample_times(self, t_s: float) -> list[float]:
        """The times whose images are averaged for the frame at this time."""
        if not self.exposure_s:
            return [t_s]
        count = self.exposure_samples
        return [t_s + ((i + 0.5) / count - 0.5) * self.exposure_s for i in range(count)]


class Camera:
    """Applies `PortraitImaging` to rendered images of one size."""

    def __init__(self, imaging: PortraitImaging, width: int, height: int) -> None:
        self._imaging = imaging
        self._size = (width, height)
        self._noise: NDArray[np.int16] | None = None
        if imaging.noise:
            margin = NOISE_TILE_MARGIN_PX
            shape = (height + margin, width + margin, 3)
            drawn = np.random.default_rng(imaging.seed).normal(0.0, imaging.noise, shape)
            self._noise = np.rint(drawn).astype(np.int16)

    def take(self, image: NDArray[np.uint8], t_s: float, index: int) -> NDArray[np.uint8]:
        """(H, W, 3) as the camera sees it at this time, as its frame of this number."""
        imaging = self._imaging
        if imaging.defocus_px:
            image = cv2.GaussianBlur(image, (0, 0), imaging.defocus_px, borderType=cv2.BORDER_REFLECT_101)
        image = self._lit(image, channel_value(imaging.light, t_s), channel_value(imaging.side_light, t_s))
        if self._noise is not None:
            image = cv2.add(image, self._noise_of(index), dtype=cv2.CV_8U)
        return image

    def _lit(self, image: NDArray[np.uint8], light: float, side: float) -> NDArray[np.uint8]:
        gain = max(1.0 + light, 0.0)
        if side:
            width, height = self._size
            row = np.maximum(gain - side * np.linspace(-0.5, 0.5, width, dtype=np.float32), 0.0)
            gains = np.broadcast_to(row[None, :, None], (height, width, 3)).astype(np.float32)
            return np.asarray(cv2.multiply(image, gains, dtype=cv2.CV_8U), np.uint8)
        if light:
            return np.asarray(cv2.convertScaleAbs(image, alpha=gain), np.uint8)
        return image

    def _noise_of(self, index: int) -> NDArray[np.int16]:
        """A cut-out of the noise that belongs to this frame number."""
        if self._noise is None:
            return np.zeros((self._size[1], self._size[0], 3), np.int16)
        y, x = np.random.default_rng((self._imaging.seed, index)).integers(0, NOISE_TILE_MARGIN_PX, 2)
        return self._noise[y : y + self._size[1], x : x + self._size[0]]
