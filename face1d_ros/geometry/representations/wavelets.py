"""Wavelets over time: a trajectory as a coarse course and details at finer and finer scales (review, Section 3.5).

The functions are PyWavelets' scaling functions and wavelets, cut off at both ends of the window. Those that reach over
an end are made orthonormal to the others, the coarse ones first. So nothing is assumed about the time before and after,
as a transform with padding must, the numbers are no more than the frames, and polynomials are followed up to the ends.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

import numpy as np

from face1d_ros.errors import GeometryError, MissingDependencyError
from face1d_ros.geometry.representations.basis import Basis
from face1d_ros.geometry.representations.representation import Floats

WAVELET = "db4"
"""Daubechies' with four vanishing moments: it follows cubic courses without any detail."""
DEPENDENT = 1e-6
"""What is left of a function this short is a sum of the others and the arithmetic's noise."""


def wavelet_basis(frames: int, dropped: int, *, wavelet: str = WAVELET, levels: int | None = None) -> Basis:
    """Orthonormal, of evenly spaced frames, without the `dropped` finest of the levels of detail.

    Coefficients stand from coarse to fine, as many of each level as `level_sizes` says, within a level by time. At 0
    dropped nothing is lost, and there are as many as frames.
    """
    found = _orthonormal(_levels(frames, wavelet, levels))
    if not 0 <= dropped < len(found):
        raise GeometryError("dropped levels", dropped, f"0 to {len(found) - 1}")
    return Basis(np.concatenate(found[: len(found) - dropped], axis=1), np.arange(frames) / (frames - 1))


def level_sizes(frames: int, *, wavelet: str = WAVELET, levels: int | None = None) -> tuple[int, ...]:
    """How many coefficients each level has: the coarse course, then details from coarse to fine."""
    return tuple(part.shape[1] for part in _orthonormal(_levels(frames, wavelet, levels)))


def _levels(frames: int, wavelet: str, levels: int | None) -> list[Floats]:
    """(frames, its coefficients) of each level: what a coefficient of 1 makes inside the window."""
    pywt = _pywt()
    if wavelet not in pywt.wavelist(kind="discrete"):
        raise GeometryError("wavelet", f"'{wavelet}'", "one of PyWavelets' discrete ones: db4, sym4, bior4.4, …")
    most = pywt.dwt_max_level(frames, wavelet)
    if most < 1:
        least = 2 * (int(pywt.Wavelet(wavelet).dec_len) - 1)
        raise GeometryError("frames", frames, f"at least {least} for '{wavelet}'")
    if levels is not None and not 1 <= levels <= most:
        raise GeometryError("levels", levels, f"1 to {most} for {frames} frames of '{wavelet}'")
    empty = pywt.wavedec(np.zeros(frames), wavelet, mode="zero", level=levels or most)
    found = []
    for level, part in enumerate(empty):
        units = [np.zeros((len(part), len(other))) for other in empty]
        units[level] = np.eye(len(part))
        found.append(np.asarray(pywt.waverec(units, wavelet, mode="zero", axis=-1)[:, :frames].T))
    return found


def _orthonormal(levels: list[Floats]) -> list[Floats]:
    """Each level without what coarser ones and its own whole functions make already."""
    done = np.zeros((len(levels[0]), 0))
    found = []
    for functions in levels:
        # Functions inside the window come first and stay as they are; those cut off give way.
        order = np.argsort(-np.linalg.norm(functions, axis=0).round(6), kind="stable")
        kept: list[int] = []
        new: list[Floats] = []
        for column in order.tolist():
            others = np.column_stack([done, *new])
            left = functions[:, column]
            for _ in range(2):  # Once is not enough for what is almost dependent.
                left = left - others @ (others.T @ left)
            if (length := float(np.linalg.norm(left))) > DEPENDENT:
                kept.append(column)
                new.append(left / length)
        found.append(np.column_stack(new)[:, np.argsort(kept)])
        done = np.column_stack([done, *new])
    return found


def _pywt() -> ModuleType:
    try:
        return import_module("pywt")
    except ImportError as error:
        raise MissingDependencyError("PyWavelets", "wavelets over time", "pip install PyWavelets") from error
