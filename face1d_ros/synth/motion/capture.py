"""Real faces as a source of motion: captures of ARKit's coefficients, as CSV.

Columns: `time_s`, ARKit's blendshapes in CamelCase, and angles of head and eyes in radians. ICT-FaceKit has the same
shapes with left and right apart; what ARKit has once (BrowInnerUp, CheekPuff) goes to both sides, TongueOut to none.

Signs, found in the take of the project's test data: eye yaw is + to the person's right and eye pitch + down, as the
coefficients say that belong to them. Head yaw has the opposite sign, since the eyes counter-rotate to stay on the
camera: as written, speeds of head and eye yaw correlate with +0.89. Pitch shows the same, weakly. Of roll the take says
nothing; it is taken as it is.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import CaptureFileError, InvalidValueError
from face1d_ros.synth.motion.types import CaptureUse, MotionPlan, PersonStyle, Stamps
from face1d_ros.synth.motion.units import COEFFICIENTS, SINGLE

MOST_FRAMES = 1_000_000
LARGEST = 10.0
"""Coefficients are at most 1 by definition; beyond this a column holds something else."""
EYE_ANGLES = (("LeftEyeYaw", "RightEyeYaw"), ("LeftEyePitch", "RightEyePitch"))
HEAD_ANGLES = (("HeadYaw", -1.0), ("HeadPitch", -1.0), ("HeadRoll", 1.0))


@dataclass(frozen=True, eq=False)
class Capture:
    """F frames of a real face."""

    name: str
    sha256: str
    """Of the values."""
    stamps_s: NDArray[np.float64]
    """(F,) ascending, from 0 on."""
    coefficients: NDArray[np.float32]
    """(F, 53) in the order of `units.COEFFICIENTS`."""
    head_rad: NDArray[np.float32]
    """(F, 3) yaw, pitch and roll, + as in `geometry.pose.yaw_pitch_roll_rad`."""
    gaze_rad: NDArray[np.float32]
    """(F, 2) mean yaw and pitch of both eyes in the head, with the same signs."""

    @property
    def duration_s(self) -> float:
        """From the first to the last frame."""
        return float(self.stamps_s[-1])


def read_capture(path: str | Path) -> Capture:
    """The capture in a CSV file, under the file's name without its ending."""
    path = Path(path)
    table = _table(path)
    stamps_s = table["time_s"] - table["time_s"][:1]
    if len(stamps_s) < 2 or (np.diff(stamps_s) <= 0.0).any():
        raise CaptureFileError(
            path, "time_s does not ascend over at least two frames", "give the frames in their order"
        )
    coefficients = np.stack([table[_column(name)] for name in COEFFICIENTS], axis=1).astype(np.float32)
    if np.abs(coefficients).max() > LARGEST:
        raise CaptureFileError(path, f"a coefficient of {np.abs(coefficients).max():g}", "coefficients are 0 to 1")
    head = np.stack([sign * table[name] for name, sign in HEAD_ANGLES], axis=1).astype(np.float32)
    gaze = np.stack([0.5 * (table[left] + table[right]) for left, right in EYE_ANGLES], axis=1).astype(np.float32)
    digest = hashlib.sha256()
    for values in (stamps_s, coefficients, head, gaze):
        digest.update(np.ascontiguousarray(values).tobytes())
    return Capture(path.stem, digest.hexdigest(), stamps_s, np.clip(coefficients, 0.0, 1.0), head, gaze)


def _column(name: str) -> str:
    """The column that drives one of our coefficients."""
    stem, _, side = name.partition("_")
    camel = stem[0].upper() + stem[1:]
    return (
        camel if stem in SINGLE or stem in ("browInnerUp", "cheekPuff") else camel + {"L": "Left", "R": "Right"}[side]
    )


def needed_columns() -> tuple[str, ...]:
    """What a capture must have; further columns are not looked at."""
    angles = [name for pair in EYE_ANGLES for name in pair] + [name for name, _ in HEAD_ANGLES]
    return ("time_s", *dict.fromkeys(_column(name) for name in COEFFICIENTS), *angles)


def _table(path: Path) -> dict[str, NDArray[np.float64]]:
    """(F,) by column."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CaptureFileError(path, f"cannot be read ({error})", "give a CSV file of a capture") from error
    header, body = (rows[0], rows[1:]) if rows else ([], [])
    missing = [name for name in needed_columns() if name not in header]
    if missing:
        what = f"{len(missing)} columns are missing: {', '.join(missing[:5])}{' …' if len(missing) > 5 else ''}"
        raise CaptureFileError(path, what, "export ARKit's 52 coefficients with time_s and the angles of head and eyes")
    if len(body) > MOST_FRAMES:
        raise CaptureFileError(path, f"{len(body)} frames", f"cut it into parts of at most {MOST_FRAMES}")
    wrong = next((line for line, row in enumerate(body, 2) if len(row) != len(header)), None)
    if wrong is not None:
        raise CaptureFileError(path, f"line {wrong} has {len(body[wrong - 2])} values", f"the header has {len(header)}")
    return {name: _numbers(path, name, [row[header.index(name)] for row in body]) for name in needed_columns()}


def _numbers(path: Path, name: str, cells: Sequence[str]) -> NDArray[np.float64]:
    try:
        values = np.array([float(cell) for cell in cells], np.float64)
    except ValueError as error:
        raise CaptureFileError(path, f"column {name}: {error}", "give numbers only") from error
    if not np.isfinite(values).all():
        raise CaptureFileError(path, f"column {name} holds values that are not finite", "give numbers only")
    return values


def capture_plan(
    capture: Capture, person: PersonStyle | None = None, speed: float = 1.0, gain: float = 1.0
) -> MotionPlan:
    """The whole capture, its coefficients times `gain`, that much faster."""
    if not speed > 0.0 or not gain >= 0.0:
        raise InvalidValueError("speed, gain", (speed, gain), "a speed above 0 and a gain of 0 or more")
    use = CaptureUse(capture.name, capture.sha256, from_s=0.0, speed=speed, gain=gain)
    return MotionPlan("capture", round(capture.duration_s / speed, 6), person or PersonStyle(), capture=use)


def captured(
    use: CaptureUse, captures: Mapping[str, Capture], stamps_s: Stamps, names: Sequence[str]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(T, K) coefficients without those of looking, which follow the gaze, and (T, 2) gaze. Before and after the
    capture its ends are held.
    """
    capture = captures.get(use.name)
    if capture is None or capture.sha256 != use.sha256:
        came = "none" if capture is None else f"one with SHA-256 {capture.sha256[:12]}…"
        raise InvalidValueError(f"capture '{use.name}'", came, f"the capture of the plan, SHA-256 {use.sha256[:12]}…")
    values = at_times(capture, capture.coefficients, use.from_s + stamps_s * use.speed) * np.float32(use.gain)
    gaze = at_times(capture, capture.gaze_rad, use.from_s + stamps_s * use.speed)
    columns = np.zeros((len(stamps_s), len(names)), np.float32)
    places = {name: place for place, name in enumerate(COEFFICIENTS) if not name.startswith("eyeLook")}
    columns[:, [names.index(name) for name in places]] = values[:, list(places.values())]
    return columns, gaze


def at_times(capture: Capture, values: NDArray[np.float32], times_s: Stamps) -> NDArray[np.float32]:
    """(T, C) of the capture's (F, C) values, straight between its frames."""
    stamps_s = capture.stamps_s
    after = np.clip(np.searchsorted(stamps_s, times_s, side="right"), 1, len(stamps_s) - 1)
    share = (times_s - stamps_s[after - 1]) / (stamps_s[after] - stamps_s[after - 1])
    share = np.clip(share, 0.0, 1.0)[:, None].astype(np.float32)
    return np.asarray(values[after - 1] + share * (values[after] - values[after - 1]))
