"""Smiles that begin and blinks that go as deep as they were drawn."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from face1d_ros.evaluate.smoothing_events import (
    LEAST_WAY,
    ONSET_SHARE,
    blink_depths,
    eye_opening,
    find_blinks,
    find_smile,
    mouth_width,
    onset_frame,
)

RATE_HZ = 30.0
Floats = NDArray[np.float64]


def smile(begin: float, frames: int = 90, way: float = 0.25, rise: float = 10.0) -> Floats:
    """Widens from 0.5 by `way` within `rise` frames."""
    return 0.5 + way * np.clip((np.arange(frames) - begin) / rise, 0.0, 1.0)


def blinking(depth: float, at: tuple[int, ...] = (30, 75), frames: int = 120) -> Floats:
    opening = np.full(frames, 0.3)
    for frame in at:
        opening[frame - 2 : frame + 3] -= 0.3 * depth * np.array([0.4, 0.8, 1.0, 0.8, 0.4])
    return opening


def test_a_smile_begins_where_the_mouth_has_gone_a_fifth_of_its_way() -> None:
    width = smile(40.0)
    found = find_smile(width, RATE_HZ)
    assert found is not None
    assert found.way == pytest.approx(0.25, abs=1e-9)
    assert onset_frame(width, found) == pytest.approx(40.0 + ONSET_SHARE * 10.0, abs=1e-6)


@pytest.mark.parametrize("delay", [0.5, 1.0, 3.0])
def test_a_track_that_comes_later_begins_to_smile_as_much_later(delay: float) -> None:
    width = smile(40.0)
    found = find_smile(width, RATE_HZ)
    assert found is not None
    later = onset_frame(smile(40.0 + delay), found) - onset_frame(width, found)
    assert later == pytest.approx(delay, abs=1e-6)


def test_a_mouth_that_is_wider_all_the_time_smiles_as_early() -> None:
    width = smile(40.0)
    found = find_smile(width, RATE_HZ)
    assert found is not None
    assert onset_frame(width + 0.05, found) == pytest.approx(onset_frame(width, found))
    assert onset_frame(0.5 + 0.8 * (width - 0.5), found) == pytest.approx(onset_frame(width, found))


def test_an_eye_that_is_wider_all_the_time_blinks_as_deep() -> None:
    raw = blinking(0.8)
    blinks = find_blinks(raw, RATE_HZ)
    assert blink_depths(raw + 0.05, blinks) == pytest.approx(blink_depths(raw, blinks))


def test_a_mouth_that_hardly_widens_does_not_smile() -> None:
    assert find_smile(smile(40.0, way=0.9 * LEAST_WAY), RATE_HZ) is None
    assert find_smile(np.full(90, 0.5), RATE_HZ) is None
    assert find_smile(np.full(90, np.nan), RATE_HZ) is None


def test_a_track_that_never_smiles_has_no_onset() -> None:
    found = find_smile(smile(40.0), RATE_HZ)
    assert found is not None
    assert np.isnan(onset_frame(np.full(90, 0.5), found))


@pytest.mark.parametrize("kept", [1.0, 0.9, 0.5])
def test_a_blink_keeps_as_much_of_its_depth_as_is_left(kept: float) -> None:
    raw = blinking(0.8)
    blinks = find_blinks(raw, RATE_HZ)
    assert blinks.frames.tolist() == [30, 75]
    ratios = blink_depths(blinking(0.8 * kept), blinks) / blink_depths(raw, blinks)
    assert ratios == pytest.approx(kept, rel=1e-6)


def test_a_blink_that_comes_a_frame_later_is_as_deep() -> None:
    raw = blinking(0.8)
    blinks = find_blinks(raw, RATE_HZ)
    assert blink_depths(np.roll(raw, 1), blinks) == pytest.approx(blink_depths(raw, blinks))


def test_shallow_dips_and_eyes_shut_for_long_are_no_blinks() -> None:
    assert not len(find_blinks(blinking(0.2), RATE_HZ).frames)
    shut = np.full(120, 0.3)
    shut[40:80] = 0.05
    assert not len(find_blinks(shut, RATE_HZ).frames)
    assert not len(find_blinks(np.full(30, np.nan), RATE_HZ).frames)


def test_a_blink_of_which_nothing_was_given_out_has_no_depth() -> None:
    raw = blinking(0.8)
    silent = raw.copy()
    silent[20:40] = np.nan
    assert np.isnan(blink_depths(silent, find_blinks(raw, RATE_HZ))).tolist() == [True, False]


def test_width_and_opening_do_not_change_with_place_and_size() -> None:
    points = np.random.default_rng(0).uniform(0.0, 100.0, (4, 68, 3))
    for function in (mouth_width, eye_opening):
        np.testing.assert_allclose(function(3.0 * points + 50.0), function(points), rtol=1e-9)
