"""What the review's Table 2 states of 1D representations, measured: how few numbers, how exact, how robust.

All errors are NME: percent of √(box width · box height) of the truth's landmarks in the frame. What is learned
(principal components) is learned on one half of the groups and measured on the other, then the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import InvalidValueError
from face1d_ros.evaluate.landmark_windows import Windows
from face1d_ros.geometry.representations.embeddings import EmbeddingSequence
from face1d_ros.geometry.representations.face_curves import FaceCurves, separate_curves
from face1d_ros.geometry.representations.representation import Representation
from face1d_ros.geometry.representations.shape_pca import POSE, fit_shape_pca
from face1d_ros.geometry.representations.trajectories import Trajectories, trajectory_pca
from face1d_ros.geometry.representations.wavelets import level_sizes, wavelet_basis
from face1d_ros.types import Topology

Floats = NDArray[np.float64]
SEED = 1
NOISE = 0.01
"""Standard deviation of each coordinate's white noise, in √(box width · box height)."""
TURN_RAD = np.deg2rad(30.0)
MISSING = (0.1, 0.2, 0.3)
"""Share of the points that are missing, each by itself."""
HIDDEN_PART = 0.5
"""Of a window's frames, in a row, in which all points of one curve are hidden."""
SHARES = (0.25, 0.35, 0.5, 0.7, 1.0)
"""Of a curve's points, kept as coefficients."""
MODES = (4, 8, 16, 32, 64)
COURSES = (4, 8, 14, 21, 35)
EMBEDDED = ((8, 0), (16, 0), (32, 0), (32, 1), (64, 2))
"""Modes of a shape, and levels of detail over time."""


@dataclass(frozen=True)
class Family:
    """One representation in several sizes."""

    name: str
    kind: str
    """The row of Table 2 it belongs to."""
    sizes: Callable[[int, int], tuple[Any, ...]]
    """For windows of T frames and so many frames to learn from."""
    make: Callable[[Any, Floats], Representation]
    """Of a size, learned from (B, T, 68, 2) if it learns."""
    features: Callable[[Representation, Floats], Floats]
    """The coefficients as a description of shape that knows nothing of position."""
    over_time: bool = False


def families() -> tuple[Family, ...]:
    """All that are measured, in the order of the table."""
    return (
        Family("B-splines", "curve", _shares, _curves("b-spline"), _centred),
        Family("Bézier curves", "curve", _shares, _curves("bézier"), _centred),
        Family("Fourier descriptors", "spectral", _shares, _curves("fourier"), _magnitudes),
        Family("PCA of shapes", "spectral", _mode_counts, _shape_pca, _modes),
        Family("wavelets over time", "spectral", _dropped_levels, _wavelets, _centred, True),
        Family("PCA of trajectories", "spectral", _courses, _trajectory_pca, _centred, True),
        Family("embeddings over time", "embedding", _embedded, _embeddings_over_time, _modes, True),
    )


@dataclass(frozen=True, eq=False)
class Case:
    """One family in one size, made twice."""

    family: Family
    size: Any
    halves: tuple[tuple[Representation, NDArray[np.bool_]], ...]
    """Made from one half of the windows, and which (B,) it is measured on."""


def cases(windows: Windows) -> Iterator[Case]:
    """All families in all sizes."""
    halves = folds(windows.group)
    for family in families():
        for size in family.sizes(*_extent(windows)):
            yield Case(family, size, tuple((family.make(size, windows.clean[fit]), test) for fit, test in halves))


def count_cases(windows: Windows) -> int:
    """How many `cases` gives."""
    return sum(len(family.sizes(*_extent(windows))) for family in families())


def row(case: Case, windows: Windows, seed: int = SEED) -> dict[str, Any]:
    """All that is measured of one case but time."""
    found = []
    for made, test in case.halves:
        observed = None if windows.observed is None else windows.observed[test]
        found.append((int(test.sum()), figures(case.family, made, windows.clean[test], observed, seed)))
    name = {"representation": case.family.name, "kind": case.family.kind, "size": _size_name(case.size)}
    return name | _mean(found)


def _extent(windows: Windows) -> tuple[int, int]:
    """T, and the frames of the smaller half."""
    frames = windows.clean.shape[1]
    return frames, frames * min(int(learned.sum()) for learned, _ in folds(windows.group))


def folds(group: NDArray[np.intp]) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Twice (learned from, measured on): (B,) masks, no group in both."""
    names = np.unique(group)
    if len(names) < 2:
        raise InvalidValueError("groups of windows", len(names), "2 or more, to learn on one and measure on another")
    first = np.isin(group, names[::2])
    return [(first, ~first), (~first, first)]


def figures(
    family: Family, made: Representation, clean: Floats, observed: Floats | None, seed: int
) -> dict[str, float | None]:
    """All columns of one representation on (B, T, 68, 2)."""
    rng = np.random.default_rng(seed)
    scale = np.sqrt(np.ptp(clean, axis=2).prod(axis=-1))[..., None]
    noisy = clean + rng.normal(size=clean.shape) * (NOISE * scale[..., None])
    turned = _turned(clean)
    coefficients, after = made.encode(clean), made.encode(turned)
    shape, shape_after = family.features(made, coefficients), family.features(made, after)
    noise_nme = _percent(_again(made, noisy), clean, scale)
    return {
        "numbers": coefficients[0].size / clean.shape[1],
        "nme_percent": _percent(made.decode(coefficients), clean, scale),
        "noise_nme_percent": noise_nme,
        "noise_ratio": noise_nme / _percent(noisy, clean, scale),
        "observed_ratio": None if observed is None else _observed_ratio(made, observed, clean, scale),
        "turned_nme_percent": _percent(made.decode(after), turned, scale),
        "features_turned_percent": float(100.0 * np.linalg.norm(shape_after - shape) / np.linalg.norm(shape)),
        **_with_gaps(made, clean, scale, rng),
    }


def _with_gaps(made: Representation, clean: Floats, scale: Floats, rng: np.random.Generator) -> dict[str, float | None]:
    """Error at points that are missing, and of the share missing most, and of whole curves, how much comes back."""
    found: dict[str, float | None] = {}
    for share in MISSING:
        error, back = _filled(made, clean, rng.random(clean.shape[:-1]) < share, scale)
        found |= {f"missing_{round(100 * share)}_nme_percent": error, "missing_back_percent": back}
    error, back = _filled(made, clean, hidden_curves(rng, clean), scale)
    return found | {"hidden_nme_percent": error, "hidden_back_percent": back}


def hidden_curves(rng: np.random.Generator, clean: Floats) -> NDArray[np.bool_]:
    """(B, T, 68): in each window all points of one curve, for half of its frames in a row."""
    batch, frames, points = clean.shape[:3]
    length = round(HIDDEN_PART * frames)
    curves = separate_curves(Topology(points))
    gone = np.zeros((batch, frames, points), np.bool_)
    for index in range(batch):
        start = int(rng.integers(0, frames - length + 1))
        gone[index, start : start + length, curves[int(rng.integers(len(curves)))].indices] = True
    return gone


def _again(made: Representation, points: Floats) -> Floats:
    return made.decode(made.encode(points))


def _percent(points: Floats, truth: Floats, scale: Floats) -> float:
    """NME over the points that there are; NaN if there are none."""
    errors = np.linalg.norm(points - truth, axis=-1) / scale
    return float(100.0 * np.nanmean(errors)) if np.isfinite(errors).any() else float("nan")


def _observed_ratio(made: Representation, observed: Floats, clean: Floats, scale: Floats) -> float:
    """Error of what comes back from the detector's points, beside that of those points themselves."""
    seen = np.isfinite(observed).all(axis=-1, keepdims=True)
    back = np.where(seen, _again(made, observed), np.nan)
    both = np.isfinite(back).all(axis=-1, keepdims=True)
    raw = _percent(np.where(both, observed, np.nan), clean, scale)
    return _percent(back, clean, scale) / raw if raw > 0.0 else float("nan")


def _filled(made: Representation, clean: Floats, gone: NDArray[np.bool_], scale: Floats) -> tuple[float, float]:
    """Error at the points that were gone, of those that came back; and the share of those in percent."""
    back = _again(made, np.where(gone[..., None], np.nan, clean))
    back = np.where(gone[..., None], back, np.nan)
    share = 100.0 * float(np.isfinite(back).all(axis=-1).sum() / gone.sum())
    return _percent(back, clean, scale), share


def _turned(points: Floats) -> Floats:
    """About each window's middle."""
    cos, sin = np.cos(TURN_RAD), np.sin(TURN_RAD)
    middle = points.mean(axis=(1, 2), keepdims=True)
    return np.asarray((points - middle) @ np.array([[cos, sin], [-sin, cos]]) + middle)


def _mean(found: list[tuple[int, dict[str, float | None]]]) -> dict[str, float | None]:
    """Of both halves, by their windows; None where it is not known."""
    total = sum(count for count, _ in found)
    mean: dict[str, float | None] = {}
    for key in found[0][1]:
        values = [(count, row[key]) for count, row in found]
        known = [(count, value) for count, value in values if value is not None]
        mean[key] = sum(count * value for count, value in known) / total if len(known) == len(values) else None
    return mean


def _size_name(size: Any) -> str:
    return " × ".join(str(part) for part in size) if isinstance(size, tuple) else str(size)


def _shares(_frames: int, _learned: int) -> tuple[float, ...]:
    return SHARES


def _mode_counts(_frames: int, learned: int) -> tuple[int, ...]:
    return tuple(count for count in MODES if count < learned)


def _dropped_levels(frames: int, _learned: int) -> tuple[int, ...]:
    return tuple(reversed(range(len(level_sizes(frames)))))


def _courses(frames: int, _learned: int) -> tuple[int, ...]:
    return (*(count for count in COURSES if count < frames), frames)


def _embedded(frames: int, learned: int) -> tuple[tuple[int, int], ...]:
    finest = len(level_sizes(frames)) - 1
    return tuple((modes, finest - detail) for modes, detail in EMBEDDED if modes < learned and detail <= finest)


def _curves(kind: str) -> Callable[[float, Floats], Representation]:
    return lambda share, _: FaceCurves(Topology.FACE_68, kind, share)


def _shape_pca(modes: int, learned: Floats) -> Representation:
    return fit_shape_pca(learned, modes)


def _wavelets(dropped: int, learned: Floats) -> Representation:
    return Trajectories(wavelet_basis(learned.shape[1], dropped))


def _trajectory_pca(courses: int, learned: Floats) -> Representation:
    return Trajectories(trajectory_pca(learned, courses))


def _embeddings_over_time(size: tuple[int, int], learned: Floats) -> Representation:
    modes, dropped = size
    return EmbeddingSequence(fit_shape_pca(learned, modes), wavelet_basis(learned.shape[1], dropped))


def _centred(_: Representation, coefficients: Floats) -> Floats:
    """Control points, or landmarks' courses, about their middle."""
    return coefficients - coefficients.mean(axis=-2, keepdims=True)


def _magnitudes(made: Representation, coefficients: Floats) -> Floats:
    assert isinstance(made, FaceCurves)
    return made.magnitudes(coefficients)


def _modes(_: Representation, coefficients: Floats) -> Floats:
    return coefficients[..., POSE:]
