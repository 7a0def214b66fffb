from __future__ import annotations

import re

import numpy as np
import pytest

from face1d_ros.replay.report.markup import clock, number, with_unit
from face1d_ros.replay.report.style import FACE_COLOURS, face_colour, is_dashed, label_colour, stylesheet


def test_light_and_dark_name_the_same_colours_of_faces() -> None:
    light, dark = (block for block in re.findall(r":root[^{]*\{([^}]*)\}", stylesheet()))
    for name in ("paper", "card", "ink", "muted", *(f"face-{place}" for place in range(FACE_COLOURS))):
        assert f"--{name}:" in light
        assert f"--{name}:" in dark


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (None, "ms", "–"),
        (float("nan"), "", "–"),
        (0.0, "ms", "0\u202fms"),
        (8.0, "ms", "8.00\u202fms"),
        (8.0, "", "8"),
        (17.345, "%", "17.3\u202f%"),
        (-3.2, "°", "−3.20°"),
        (7191.0, "", "7\u202f191"),
        (0.00042, "", "0.000420"),
        (123456.7, "px", "123\u202f457\u202fpx"),
    ],
)
def test_numbers_have_the_digits_that_say_something(value: float | None, unit: str, words: str) -> None:
    assert with_unit(value, unit) == words


@pytest.mark.parametrize(
    ("t_s", "words"),
    [(0.0, "0.0\u202fs"), (12.34, "12.3\u202fs"), (125.0, "2:05.0"), (179.96, "3:00.0"), (3725.5, "1:02:05.5")],
)
def test_times_read_as_on_a_clock(t_s: float, words: str) -> None:
    assert clock(t_s) == words


def test_a_whole_number_keeps_its_digits() -> None:
    assert number(1_234_567.0) == "1\u202f234\u202f567"


def test_a_label_that_nobody_knows_always_has_the_same_colour() -> None:
    assert label_colour("bewilderment") == label_colour("bewilderment")
    assert label_colour("happiness") == "var(--label-happiness)"
    assert label_colour("</style>").startswith("var(--label-other-")


def colours_of(block: str, names: list[str]) -> np.ndarray:
    found = [re.search(rf"--{name}: #([0-9a-f]{{6}})", block) for name in names]
    return np.array([[int(one.group(1)[place : place + 2], 16) for place in (0, 2, 4)] for one in found if one]) / 255.0


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_the_first_four_faces_are_told_apart_with_any_colour_blindness(scheme: int) -> None:
    """Machado et al. 2009, severity 1; distances in Oklab, where 0.02 is just noticeable."""
    block = re.findall(r":root[^{]*\{([^}]*)\}", stylesheet())[scheme]
    names = [face_colour(track_id)[6:-1] for track_id in (1, 2, 3, 4)]
    colours = colours_of(block, names)
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    for seen_as in COLOUR_BLIND:
        lab = oklab(np.clip(linear @ np.array(seen_as).T, 0.0, 1.0))
        apart = np.linalg.norm(lab[:, None] - lab[None], axis=-1) + np.eye(4)
        assert apart.min() > 0.09
    assert [is_dashed(track_id) for track_id in range(1, 9)] == [False] * 4 + [True] * 4


COLOUR_BLIND = (
    ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
)


def oklab(linear: np.ndarray) -> np.ndarray:
    cones = linear @ np.transpose(TO_CONES)
    return np.cbrt(cones) @ np.transpose(TO_OKLAB)


TO_CONES = (
    (0.41222147, 0.53633254, 0.05144599),
    (0.21190350, 0.68069955, 0.10739696),
    (0.08830246, 0.28171884, 0.62997870),
)
TO_OKLAB = (
    (0.21045426, 0.79361779, -0.00407205),
    (1.97799850, -2.42859221, 0.45059371),
    (0.02590404, 0.78277177, -0.80867577),
)
