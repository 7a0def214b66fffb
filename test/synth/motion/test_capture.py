"""Captures of real faces: what is read, what is refused, and how one drives a face."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from face1d_ros.errors import CaptureFileError, InvalidValueError
from face1d_ros.synth.motion.capture import at_times, capture_plan, needed_columns, read_capture
from face1d_ros.synth.motion.evaluate import evaluate
from face1d_ros.synth.motion.types import NONE, PersonStyle
from face1d_ros.synth.motion.units import COEFFICIENTS
from face1d_ros.synth.plan_json import plan_json, read_plan

TAKE = Path(__file__).parents[4] / "shared/data/arkit_motion/arkit_take.csv"
HAS_TAKE = pytest.mark.skipif(not TAKE.exists(), reason="the ARKit capture is not in shared/data")
FIRST, LAST = {"JawOpen": 0.2, "BrowInnerUp": 0.4, "MouthLeft": 0.1}, {"JawOpen": 0.6, "MouthSmileLeft": 0.5}


def rows_of(*frames: dict[str, float]) -> list[list[str]]:
    """A header, and a row for each frame, 0.5 s apart from 10 s on."""
    columns = needed_columns()
    return [list(columns)] + [
        [str({"time_s": 10.0 + 0.5 * number, **frame}.get(column, 0.0)) for column in columns]
        for number, frame in enumerate(frames)
    ]


def written(path: Path, rows: list[list[str]]) -> Path:
    path.write_text("\n".join(",".join(row) for row in rows) + "\n", encoding="utf-8")
    return path


def test_columns_become_the_coefficients_they_are(tmp_path: Path) -> None:
    angles = {"LeftEyeYaw": 0.1, "RightEyeYaw": 0.3, "LeftEyePitch": -0.1, "RightEyePitch": -0.1, "HeadYaw": 0.2}
    capture = read_capture(written(tmp_path / "smile.csv", rows_of(FIRST | angles, LAST)))
    assert (capture.name, capture.duration_s) == ("smile", 0.5)
    first = {name: value for name, value in zip(COEFFICIENTS, capture.coefficients[0].tolist(), strict=True) if value}
    assert first == pytest.approx({"jawOpen": 0.2, "browInnerUp_L": 0.4, "browInnerUp_R": 0.4, "mouthLeft": 0.1})
    assert capture.gaze_rad[0] == pytest.approx([0.2, -0.1])
    assert capture.head_rad[0] == pytest.approx([-0.2, 0.0, 0.0])


def test_a_capture_drives_a_face_at_any_stamps_and_speed(tmp_path: Path) -> None:
    capture = read_capture(written(tmp_path / "smile.csv", rows_of(FIRST, LAST)))
    jaw = COEFFICIENTS.index("jawOpen")
    given = {"smile": capture}
    values = evaluate(capture_plan(capture), np.array([0.0, 0.25, 0.5, 2.0]), COEFFICIENTS, given)
    assert values.expression[:, jaw] == pytest.approx([0.2, 0.4, 0.6, 0.6])
    assert (values.label == NONE).all()
    faster = capture_plan(capture, PersonStyle(), speed=2.0, gain=0.5)
    assert faster.duration_s == 0.25
    assert evaluate(faster, np.array([0.125]), COEFFICIENTS, given).expression[0, jaw] == pytest.approx(0.2)
    assert read_plan(type(faster), plan_json(faster)) == faster


def test_a_plan_is_refused_without_the_very_capture_it_names(tmp_path: Path) -> None:
    capture = read_capture(written(tmp_path / "smile.csv", rows_of(FIRST, LAST)))
    other = read_capture(written(tmp_path / "smile.csv", rows_of(LAST, FIRST)))
    assert capture.sha256 != other.sha256
    for given in ({}, {"smile": other}):
        with pytest.raises(InvalidValueError, match=r"capture 'smile'.*expected the capture of the plan"):
            evaluate(capture_plan(capture), np.array([0.0]), COEFFICIENTS, given)


def without_a_column(rows: list[list[str]]) -> list[list[str]]:
    return [[cell for cell, name in zip(row, rows[0], strict=True) if name != "JawOpen"] for row in rows]


def with_cell(text: str) -> Callable[[list[list[str]]], list[list[str]]]:
    return lambda rows: [rows[0], [text if name == "JawOpen" else c for c, name in zip(rows[1], rows[0])], rows[2]]  # noqa: B905


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda rows: [], "51 columns are missing|columns are missing"),
        (without_a_column, "1 columns are missing: JawOpen"),
        (with_cell("wide"), "column JawOpen: could not convert string to float: 'wide'"),
        (with_cell("nan"), "column JawOpen holds values that are not finite"),
        (with_cell("57"), "a coefficient of 57; coefficients are 0 to 1"),
        (lambda rows: [*rows[:2], rows[2][:-3]], "line 3 has"),
        (lambda rows: [rows[0], rows[2], rows[1]], "time_s does not ascend"),
        (lambda rows: rows[:2], "at least two frames"),
        (lambda rows: rows[:1], "at least two frames"),
    ],
)
def test_a_malformed_capture_is_refused_with_what_is_wrong(
    tmp_path: Path, damage: Callable[[list[list[str]]], list[list[str]]], said: str
) -> None:
    with pytest.raises(CaptureFileError, match=said):
        read_capture(written(tmp_path / "bad.csv", damage(rows_of(FIRST, LAST))))


def test_what_is_no_text_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.csv").write_bytes(bytes(range(128, 256)))
    for name in ("binary.csv", "nowhere.csv"):
        with pytest.raises(CaptureFileError, match="cannot be read"):
            read_capture(tmp_path / name)


def test_speed_and_gain_are_checked(tmp_path: Path) -> None:
    capture = read_capture(written(tmp_path / "smile.csv", rows_of(FIRST, LAST)))
    for speed, gain in ((0.0, 1.0), (1.0, -0.1)):
        with pytest.raises(InvalidValueError, match="speed, gain"):
            capture_plan(capture, speed=speed, gain=gain)


@HAS_TAKE
def test_the_real_take_drives_a_face() -> None:
    capture = read_capture(TAKE)
    assert capture.coefficients.shape == (180, 53)
    motion = evaluate(capture_plan(capture), capture.stamps_s, COEFFICIENTS, {capture.name: capture})
    shown = [place for place, name in enumerate(COEFFICIENTS) if not name.startswith(("eyeLook", "eyeWide"))]
    assert np.abs(motion.expression - capture.coefficients)[:, shown].max() < 1e-6
    eyes_open = capture.coefficients[:, COEFFICIENTS.index("eyeBlink_L")] < 0.02
    difference = to_the_right(motion.expression) - to_the_right(capture.coefficients)
    assert np.abs(difference[eyes_open]).max() < 0.02


def to_the_right(values: np.ndarray) -> np.ndarray:
    """(T,) how far both eyes look there, without their convergence."""
    left_in, left_out, right_in, right_out = (
        values[:, COEFFICIENTS.index(f"eyeLook{way}_{side}")] for side in "LR" for way in ("In", "Out")
    )
    return np.asarray(0.5 * (left_in - left_out + right_out - right_in))


@HAS_TAKE
def test_what_is_told_of_head_and_eyes_in_the_real_take_holds() -> None:
    capture = read_capture(TAKE)
    stamps = np.arange(0.0, capture.duration_s, 1.0 / 60.0)
    head, eyes = (
        np.gradient(at_times(capture, values, stamps)[:, 0], stamps) for values in (capture.head_rad, capture.gaze_rad)
    )
    assert np.corrcoef(head, eyes)[0, 1] == pytest.approx(-0.89, abs=0.005)
    assert np.polyfit(head, eyes, 1)[0] == pytest.approx(-0.74, abs=0.005)
    assert np.degrees(np.abs(head).max()) == pytest.approx(147.0, abs=1.0)
