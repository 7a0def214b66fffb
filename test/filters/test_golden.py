"""Against what the authors of two filters published or shipped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from face1d_ros.filters.make import make_filter

HERE = Path(__file__).parent
FACE_PX = 100.0


def test_one_euro_gives_the_published_values() -> None:
    golden = np.load(HERE / "one_euro_golden.npz")
    # Two still points make a face of a known size, in whose units beta is.
    filter_ = make_filter("one_euro", min_cutoff_hz=1.0, beta=0.1 * FACE_PX, derivative_cutoff_hz=1.0)
    face = np.array([[0.0, 0.0], [0.0, -FACE_PX / 2], [0.0, FACE_PX / 2]])
    found = []
    for stamp_s, noisy in zip(golden["stamp_s"], golden["noisy"], strict=True):
        face[0, 0] = noisy
        found.append(filter_(face, stamp_s)[0, 0])
    assert len(found) == 1200
    assert np.abs(found - golden["filtered"]).max() < 1e-4


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_mediapipe_gives_what_its_own_calculator_gives(dtype: type) -> None:
    golden = np.load(HERE / "mediapipe_golden.npz")
    filter_ = make_filter("mediapipe")
    pairs = zip(golden["points"].astype(dtype), golden["stamp_s"], strict=True)
    found = np.array([filter_(points, stamp_s) for points, stamp_s in pairs])
    assert np.abs(found - golden["smooth"]).max() < 2e-3  # px, of coordinates up to 500 in its single precision
    assert np.abs(found - golden["points"]).max() > 1.0
