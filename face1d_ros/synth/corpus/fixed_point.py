"""Arrays in fixed point with 16 bits, as bytes that compress well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import CorpusError
from face1d_ros.types import FloatArray

LARGEST = np.iinfo(np.int16).max


@dataclass(frozen=True)
class Fixed:
    """How a field is kept."""

    step: float
    differences: bool = True
    """Of one frame to the next, for what changes slowly."""

    def whole(self, name: str, values: NDArray[Any]) -> NDArray[np.int16]:
        """(T, …) in units of the step."""
        whole = np.round(np.asarray(values, np.float64) / self.step)
        if not (np.abs(whole) <= LARGEST).all():
            came, largest = float(np.abs(values).max()), LARGEST * self.step
            raise CorpusError(f"{name}: values up to {came:g}; in fixed point they can be {largest:g} at most")
        return whole.astype(np.int16)

    def value(self, whole: NDArray[np.int16]) -> FloatArray:
        """(T, …) from units of the step."""
        return (whole * np.float32(self.step)).astype(np.float32)

    def coded(self, whole: NDArray[np.int16]) -> NDArray[np.uint8]:
        """Small numbers of either sign as small ones; all low bytes, then all high bytes. Differences wrap around."""
        values = whole.copy()
        if self.differences:
            values[1:] -= whole[:-1]
        folded = ((values << 1) ^ (values >> 15)).reshape(-1).view(np.uint16)
        return np.concatenate([(folded & 0xFF).astype(np.uint8), (folded >> 8).astype(np.uint8)])

    def decoded(self, planes: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.int16]:
        """What was coded."""
        low, high = planes.reshape(2, -1)
        folded = high.astype(np.uint16)
        folded <<= 8
        folded |= low
        sign = (folded & 1).view(np.int16)
        folded >>= 1
        values = (folded.view(np.int16) ^ -sign).reshape(shape)
        return np.cumsum(values, axis=0, dtype=np.int16) if self.differences else values
