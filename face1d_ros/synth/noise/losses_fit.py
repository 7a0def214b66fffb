"""How often the detector loses the face, and how sure it is of it, from measured tracks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.evaluate.detector_noise import POINTS, Track
from face1d_ros.evaluate.detector_noise_conditions import USUAL_GRAIN
from face1d_ros.evaluate.detector_noise_run import Measured
from face1d_ros.synth.noise.fit import rounded
from face1d_ros.synth.noise.hidden import occluded_points

Floats = NDArray[np.float64]
Table = dict[str, Any]
HIGHEST_LOG_ODDS = 16.0
"""Where single precision says 1."""
TURN_BINS_RAD = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2)


def loss_table(measured: Measured) -> Table:
    """Share of frames without a face, along each condition."""
    usual = [t for t in measured.grid if t.condition.values["grain"] == USUAL_GRAIN]
    by_size = [*measured.factors["small"], *usual]
    largest = max(t.condition.values["size"] for t in measured.grid)
    by_grain = [t for t in measured.grid if t.condition.values["size"] == largest]
    lost: list[int] = []
    for track in measured.tracks():
        edges = np.flatnonzero(np.diff(np.concatenate([[0], ~track.seen, [0]]).astype(int)))
        # A face that never comes back says nothing about how long a loss takes.
        lost += [end - start for start, end in edges.reshape(-1, 2).tolist() if end < len(track.seen)]
    curves = {
        "size": _shares(by_size, "size"),
        "grain": _shares(by_grain, "grain"),
        "light": _shares(measured.factors["light"], "light"),
        "defocus": _shares(measured.factors["defocus"], "defocus"),
        "turn": _turn_loss([*measured.factors["turn"], *measured.factors["far turn"]]),
        "hidden": _hidden_loss(measured),
    }
    return {"mean_frames": rounded(np.mean(lost) if lost else 1.0), "curves": curves}


def _shares(tracks: Sequence[Track], name: str) -> Table:
    rows = sorted((track.condition.values[name], 1.0 - track.seen.mean()) for track in tracks)
    return {"knots": [row[0] for row in rows], "share": rounded([row[1] for row in rows])}


def _turn_loss(tracks: Sequence[Track]) -> Table:
    angle = np.concatenate([np.abs(track.turn_rad.sum(axis=1)) for track in tracks])
    seen = np.concatenate([track.seen for track in tracks])
    bins = list(pairwise(TURN_BINS_RAD))
    knots = [(low + high) / 2.0 for low, high in bins]
    shares = [1.0 - seen[(angle >= low) & (angle <= high)].mean() for low, high in bins]
    return {"knots": rounded(knots), "share": rounded(shares)}


def _hidden_loss(measured: Measured) -> Table:
    """Against the share of the points that are hidden."""
    rows = sorted(
        (len(occluded_points(name, POINTS)) / POINTS, 1.0 - float(np.mean([track.seen.mean() for track in tracks])))
        for name, tracks in measured.covers.items()
    )
    return {"knots": [0.0, *rounded([row[0] for row in rows])], "share": [0.0, *rounded([row[1] for row in rows])]}


def confidence_table(measured: Measured) -> Table:
    """Log-odds of the detector's score, and what each condition changes in them."""
    usual = _log_odds(measured.factors["usual"][0])
    by_size = [t for t in measured.grid if t.condition.values["grain"] == USUAL_GRAIN]
    kinds = {"size": by_size, "light": measured.factors["light"], "defocus": measured.factors["defocus"]}
    curves: Table = {"base": {"knots": [0.0], "log_odds": [rounded(np.median(usual))]}}
    for name, tracks in kinds.items():
        rows = sorted(
            (track.condition.values[name], float(np.median(_log_odds(track)) - np.median(usual)))
            for track in tracks
            if track.seen.any()
        )
        curves[name] = {"knots": [row[0] for row in rows], "log_odds": rounded([row[1] for row in rows])}
    curves["hidden"] = _hidden_log_odds(measured)
    return {"sd": rounded(usual.std()), "curves": curves}


def _hidden_log_odds(measured: Measured) -> Table:
    """Against the share of the points that are hidden."""
    clear = float(np.median(_log_odds(measured.clear)))
    rows = sorted(
        (
            len(occluded_points(name, POINTS)) / POINTS,
            float(np.median([np.median(_log_odds(t)) for t in tracks])) - clear,
        )
        for name, tracks in measured.covers.items()
        if all(track.seen.any() for track in tracks)
    )
    return {"knots": [0.0, *rounded([row[0] for row in rows])], "log_odds": [0.0, *rounded([row[1] for row in rows])]}


def _log_odds(track: Track) -> Floats:
    score = np.clip(track.presence[track.seen], 1e-6, None)
    return np.asarray(np.minimum(np.log(score / np.maximum(1.0 - score, 1e-9)), HIGHEST_LOG_ODDS))
