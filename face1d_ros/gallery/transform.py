"""The revocable transformation: a secret rotation per gallery, under which cosines stay what they are.

Somebody who has the transformation key can turn templates back; what hides them on the disk is the encryption. What it
gives is that templates of two galleries have nothing to do with each other, and that a new key makes old ones useless.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from face1d_ros.gallery.crypto import SecretKey, key_stream
from face1d_ros.types import FloatArray


class Transformation:
    """Orthogonal matrices that follow from one secret, one for each space of templates. Made once and kept."""

    def __init__(self, secret: SecretKey, gallery: bytes) -> None:
        self._secret = secret
        self._gallery = gallery
        self._matrices: dict[tuple[str, int], FloatArray] = {}

    def __call__(self, vectors: FloatArray, space: str) -> FloatArray:
        """(R, D) transformed vectors of a space, such as "motion"."""
        key = (space, vectors.shape[-1])
        if key not in self._matrices:
            seed = self._secret.derived(f"transformation {space} {key[1]}", self._gallery)
            self._matrices[key] = orthogonal_matrix(seed, key[1]).astype(np.float32)
        return vectors.astype(np.float32) @ self._matrices[key]


def orthogonal_matrix(seed: bytes, dimension: int) -> NDArray[np.float64]:
    """(D, D) drawn evenly from all orthogonal matrices, the same for the same 32 bytes.

    The Q of a Gaussian matrix whose R has a positive diagonal (Mezzadri 2007), to the rounding of LAPACK.
    """
    q, r = np.linalg.qr(gaussian(seed, dimension * dimension).reshape(dimension, dimension))
    return np.asarray(q * np.where(np.diag(r) < 0.0, -1.0, 1.0))


def gaussian(seed: bytes, count: int) -> NDArray[np.float64]:
    """(count,) normal values by Box and Muller from a key stream."""
    pairs = (count + 1) // 2
    words = np.frombuffer(key_stream(seed, 16 * pairs), "<u8") >> np.uint64(11)
    uniform = (words.astype(np.float64) + 0.5) * 2.0**-53
    radius, angle = np.sqrt(-2.0 * np.log(uniform[:pairs])), 2.0 * math.pi * uniform[pairs:]
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:count]
