"""The noise model put together from everything measured."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.evaluate.detector_noise import POINTS, Track
from face1d_ros.evaluate.detector_noise_conditions import USUAL_GRAIN
from face1d_ros.evaluate.detector_noise_run import Measured
from face1d_ros.evaluate.metrics import lag_frames
from face1d_ros.synth.noise.conditions import table_variance
from face1d_ros.synth.noise.fit import (
    PARTS,
    Split,
    Spread,
    added,
    find_modes,
    gust_sd,
    part_mixes,
    root,
    rounded,
    share_held,
    size_grain_table,
    split,
)
from face1d_ros.synth.noise.hidden import occluded_points
from face1d_ros.synth.noise.losses_fit import confidence_table, loss_table
from face1d_ros.synth.noise.model import FORMAT, Part
from face1d_ros.synth.noise.response import (
    Response,
    fit_response,
    hidden_effect,
    readings_of,
    turn_slopes,
    without_turn,
)

Floats = NDArray[np.float64]
Table = dict[str, Any]
GUST_POLE = 0.7
MOVING_PACE = 3.0
"""From this pace on a delay would show."""
LEAST_SEEN = 100
"""Frames that a condition must have for its spectrum to count."""
FASTEST_CHANGE = 20.0
"""Of the readings, 1/s: a blink."""


def build(measured: Measured, provenance: Mapping[str, Any]) -> tuple[Table, dict[str, NDArray[Any]]]:
    """What goes into the JSON file, and the arrays beside it."""
    spread = find_modes([track.errors_percent()[track.seen] for track in _of_noise(measured)])
    splits = [split(track, spread) for track in measured.grid]
    sizes, grains, table = size_grain_table(splits)
    factors, others = _factors(measured, spread, (sizes, grains, table))
    mixes = part_mixes([*splits, *others])
    response = fit_response(measured.all_expressions, spread)
    factors["expression"] = _expression_factor(measured, spread, response, (sizes, grains, table), factors["speed"])
    people = measured.people
    turn = np.stack([turn_slopes(_turns(measured, axis), spread) for axis in ("yaw", "pitch")])
    hidden, shifts = _hidden(measured, spread)
    names = [part.name for part in PARTS]
    percent = {name: rounded(np.sqrt(table[..., i])) for i, name in enumerate(names)}
    model: Table = {
        "format": FORMAT,
        "what": "errors of the landmark detector, percent of the face's size (docs/detector_noise.md)",
        "provenance": dict(provenance),
        "parts": [_part(part) for part in PARTS],
        "amplitude": {"sizes_px": sizes, "grains": grains, "percent": percent},
        "factors": factors,
        "gusts": {"sd": rounded(gust_sd(measured.grid, spread)), "pole": GUST_POLE},
        "lag_frames": rounded(_lag(measured)),
        "depth_gain": rounded(np.mean(people.depth_gains)),
        "person_percent": rounded(np.sqrt(np.square(people.mirror_percent).mean())),
        "turn_spread": rounded(_turn_spread(turn[0], spread)),
        "loss": loss_table(measured),
        "confidence": confidence_table(measured),
        "occlusion": hidden,
        "fit": _quality(measured, spread, response),
    }
    fields = spread.coefficients(people.mirror_percent)
    arrays: dict[str, NDArray[Any]] = {
        **shifts,
        "modes": spread.modes.reshape(-1, POINTS, 3),
        "mixes": mixes,
        "reading": response.reading,
        "read_from": response.read_from,
        "response": response.response,
        # What two mirrored pictures disagree in is antisymmetric; what conditions shift is not: half of each.
        "person_mix": root(fields.T @ fields / np.square(fields).sum() + mixes[0].T @ mixes[0]),
        "turn_slope": turn,
    }
    return model, arrays


def _quality(measured: Measured, spread: Spread, response: Response) -> Table:
    """Shares of the variance: what the modes hold, and what the response to expressions explains."""
    held = [share_held(track.errors_percent()[track.seen], spread) for track in _of_noise(measured)]
    explained = {}
    for track in (measured.all_expressions, measured.demo):
        readings = readings_of(track, response)
        predicted = response.predict(readings - np.median(readings, axis=0), spread)[track.seen]
        errors = track.errors_percent()[track.seen]
        left = errors - predicted
        explained[track.condition.name] = 1.0 - (left - left.mean(axis=0)).var() / (errors - errors.mean(axis=0)).var()
    return {
        "held_by_modes": rounded([min(held), float(np.median(held))]),
        "explained_by_response": {name: rounded(share) for name, share in explained.items()},
    }


def write_noise_model(path: Path, table: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """The JSON file and the .npz of the same name beside it."""
    stored = {
        name: array.astype(np.int16 if np.issubdtype(array.dtype, np.integer) else np.float16)
        for name, array in arrays.items()
    }
    buffer = BytesIO()
    np.savez_compressed(buffer, **stored)
    beside = path.with_suffix(".npz")
    content = buffer.getvalue()
    whole = {**table, "arrays": {"file": beside.name, "sha256": sha256(content).hexdigest()}}
    text = json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False)
    beside.write_bytes(content)
    path.write_text(_compact(text) + "\n", encoding="utf-8")


def _compact(text: str) -> str:
    """Rows of numbers on one line."""
    return re.sub(r"\[\s+([-\d.e,\s]+?)\s+\]", lambda found: "[" + re.sub(r"\s+", " ", found.group(1)) + "]", text)


def _part(part: Part) -> Table:
    entry: Table = {"name": part.name, "pole": part.pole}
    return entry | ({"time_s": part.time_s, "order": part.order} if part.time_s else {})


def _of_noise(measured: Measured) -> list[Track]:
    """Tracks in which nothing but the image and the head's motion in the plane disturbs."""
    kinds = ("usual", "speed", "blur", "defocus", "light", "roll")
    others = [track for kind in kinds for track in measured.factors[kind] if track.seen.sum() >= LEAST_SEEN]
    return [*measured.grid, *others, measured.demo, measured.all_expressions]


def _factors(
    measured: Measured, spread: Spread, table: tuple[list[float], list[float], Floats]
) -> tuple[Table, list[Split]]:
    """The curves, each after those before it: blur on top of speed."""
    factors: Table = {}
    every: list[Split] = []

    def base(track: Track, grain: float = USUAL_GRAIN) -> Floats:
        sizes, grains, variances = (np.array(part) for part in table)
        return table_variance(variances, sizes, grains, track.size_px.mean(keepdims=True), np.array([grain]))[0]

    def add(name: str, tracks: list[Track], knots: list[float], expected: list[Floats]) -> None:
        kept = [i for i, track in enumerate(tracks) if track.seen.sum() >= LEAST_SEEN]
        splits = [split(tracks[i], spread, without_turn(tracks[i]) if name == "turn" else None) for i in kept]
        factors[name] = added([knots[i] for i in kept], splits, [expected[i] for i in kept])
        every.extend(splits)

    kinds = measured.factors
    paces = kinds["speed"]
    usual_pace = next(split(track, spread).variances for track in paces if track.condition.values["pace"] == 1.0)
    add("speed", paces, [speed(track) for track in paces], [usual_pace for _ in paces])
    blurred = kinds["blur"]
    knots = [speed(t) * t.condition.values["exposure_s"] for t in blurred]
    add("blur", blurred, knots, [usual_pace + curve_at(factors["speed"], speed(t)) for t in blurred])
    for name in ("defocus", "light"):
        tracks = kinds[name]
        lights = [track.condition.values.get("light", 1.0) for track in tracks]
        expected = [base(track, USUAL_GRAIN / light) for track, light in zip(tracks, lights, strict=True)]
        add(name, tracks, [track.condition.values[name] for track in tracks], expected)
    rolled = kinds["roll"]
    add("roll", rolled, [abs(track.condition.values["roll"]) for track in rolled], [base(track) for track in rolled])
    turned = kinds["turn"]
    level = split(turned[0], spread).variances
    add("turn", turned, [t.condition.turn_rad / np.sqrt(2.0) for t in turned], [level for _ in turned])
    for name, nothing in (("blur", 0.0), ("defocus", 0.0), ("light", 1.0), ("roll", 0.0)):
        _anchor(factors[name], nothing)
    for part in factors["turn"]["added_percent2"].values():
        part[0] = 0.0
    # Where the mean over a sweep lies is in the slopes already.
    factors["turn"]["added_percent2"][PARTS[0].name] = [0.0] * len(factors["turn"]["knots"])
    return factors, every


def _expression_factor(
    measured: Measured,
    spread: Spread,
    response: Response,
    table: tuple[list[float], list[float], Floats],
    of_speed: Table,
) -> Table:
    """What the response leaves of the errors with expressions, in proportion to how fast the face deforms."""
    sizes, grains, variances = (np.array(part) for part in table)
    slopes = []
    for track in (measured.all_expressions, measured.demo):
        readings = readings_of(track, response)
        left = track.errors_percent() - response.predict(readings - np.median(readings, axis=0), spread)
        grain = np.array([track.condition.imaging.noise])
        usual = table_variance(variances, sizes, grains, track.size_px.mean(keepdims=True), grain)[0]
        usual = usual + curve_at(of_speed, speed(track))
        change = np.linalg.norm(np.diff(readings, axis=0), axis=1).mean() * track.condition.rate_hz
        slopes.append((split(track, spread, left).variances - usual) / change)
    # The geometric mean: one track deforms all the time, the other in bursts, and what lies between is unknown.
    slope = np.sqrt(np.prod(np.maximum(slopes, 0.0), axis=0))
    slope[0] = 0.0
    return {
        "knots": [0.0, FASTEST_CHANGE],
        "added_percent2": {
            part.name: [0.0, *rounded([FASTEST_CHANGE * s])] for part, s in zip(PARTS, slope, strict=True)
        },
    }


def _anchor(factor: Table, nothing: float) -> None:
    """Without the disturbance nothing is added."""
    knots, rows = factor["knots"], factor["added_percent2"]
    at = int(np.searchsorted(knots, nothing))
    knots.insert(at, nothing)
    for row in rows.values():
        row.insert(at, 0.0)


def curve_at(factor: Mapping[str, Any], value: float) -> Floats:
    """(C,) of a factor as it is written."""
    return np.array([np.interp(value, factor["knots"], factor["added_percent2"][part.name]) for part in PARTS])


def speed(track: Track) -> float:
    """Mean speed of the face's middle, sizes a second."""
    steps = np.diff(track.true[..., :2].mean(axis=1), axis=0)
    return float((np.hypot(steps[:, 0], steps[:, 1]) / track.size_px[1:]).mean() * track.condition.rate_hz)


def _turns(measured: Measured, axis: str) -> list[Track]:
    return [track for track in measured.factors["turn"] if track.condition.turn == axis and track.condition.turn_rad]


def _turn_spread(slopes: Floats, spread: Spread) -> float:
    """From one face's two sides: how far a turn to the left differs from the mirrored turn to the right, over √2."""
    from face1d_ros.geometry.topology import partner
    from face1d_ros.types import Topology

    fields = (slopes @ spread.modes).reshape(2, POINTS, 3)
    # A turn to the other side has a sine of the other sign: slopes mirror with x unchanged, y and z reversed.
    other = fields[1][partner(Topology.MESH_478)] * np.array([1.0, -1.0, -1.0])
    apart, size = np.square(fields[0] - other).mean(), np.square(fields).mean()
    return float(np.sqrt(apart / size) / 2.0)


def _lag(measured: Measured) -> float:
    moving = [track for track in measured.factors["speed"] if track.condition.values["pace"] >= MOVING_PACE]
    lags = [lag_frames((t.found - t.errors_mean_px())[t.seen][..., :2], t.true[t.seen][..., :2]) for t in moving]
    return float(np.mean(lags))


def _hidden(measured: Measured, spread: Spread) -> tuple[Table, dict[str, Floats]]:
    table, arrays = {}, {}
    for name, tracks in measured.covers.items():
        shifts, noise, follow = hidden_effect(measured.clear, tracks, occluded_points(name, POINTS))
        table[name] = {"noise": rounded(noise, 3), "follow": rounded(follow, 3), "covers_seen": len(shifts)}
        arrays[f"hidden_{name}"] = spread.coefficients(np.array(shifts))
    return table, arrays
