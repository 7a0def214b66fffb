"""Rows, verdicts and targets of smoothers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from face1d_ros.evaluate.smoothing import Judged
from face1d_ros.evaluate.smoothing_report import FILTER, Contender, occlusion_ratio, smoother_row, targets, verdicts

MOTION = {"nme_percent": 2.0, "jitter_px": 1.0, "lag_frames": -0.1}


def judged(scale: float = 1.0, hidden: tuple[float, ...] = (2.0, 4.0), missing: tuple[float, ...] = (3.0,)) -> Judged:
    motion = {key: scale * value for key, value in MOTION.items()}
    return Judged(motion, scale * np.array(hidden), scale * np.array(missing), motion)


def row(**others: Any) -> dict[str, Any]:
    made = dict(smoother_row(Contender("ours", FILTER, "kalman"), judged(0.5), judged(), [0.001, 0.002, 0.003]))
    return made | others


def test_a_row_holds_the_figures_beside_those_of_the_raw_track() -> None:
    made = row()
    assert made["nme_ratio"] == made["jitter_ratio"] == made["occlusion_ratio"] == pytest.approx(0.5)
    assert made["hidden_percent"] == pytest.approx(1.5)
    assert made["p50_ms"] == pytest.approx(2.0)
    assert made["mac_m"] is None


def test_hidden_and_missing_sequences_count_the_same_in_the_joint_ratio() -> None:
    ours, theirs = judged(1.0, (1.0, 1.0), (4.0,)), judged(1.0, (2.0, 2.0), (8.0,))
    assert occlusion_ratio(ours, theirs) == pytest.approx(0.5)
    assert occlusion_ratio(judged(1.0, (2.0, 2.0), (2.0,)), theirs) == pytest.approx(6.0 / 12.0)


def test_a_filter_is_judged_by_what_it_has() -> None:
    passed = {verdict.criterion.key: verdict.passed for verdict in verdicts(row(nme_percent=1.0))}
    assert passed == {
        "nme_percent": True,
        "accuracy_percent": None,
        "latency_ms": True,
        "mflop": None,
        "size_mb": None,
        "jitter_px": False,
        "mesh_error_mm": None,
    }


def test_a_multiply_accumulate_is_two_operations() -> None:
    values = {verdict.criterion.key: verdict.value for verdict in verdicts(row(mac_m=60.0))}
    assert values["mflop"] == pytest.approx(120.0)


def test_every_target_is_there_and_what_was_not_measured_fails() -> None:
    judged_by = targets(row(), None, [])
    assert len(judged_by) == 10
    assert not judged_by["smoothing.onset_delay_frames"].passed
    assert not judged_by["smoothing.blink_depth"].passed
    assert not judged_by["smoothing.frontier_ratio"].passed
    assert judged_by["smoothing.jitter_ratio"].passed
    assert judged_by["smoothing.abs_lag_frames"].value == pytest.approx(0.05)


def test_the_worst_recording_of_the_default_counts_and_others_do_not() -> None:
    real = [
        {"model": "ours", "onset_delay_frames": 0.2, "blink_depth": 0.95},
        {"model": "ours", "onset_delay_frames": 0.8, "blink_depth": 0.92},
        {"model": "ours", "onset_delay_frames": None, "blink_depth": None},
        {"model": "kalman", "onset_delay_frames": 5.0, "blink_depth": 0.1},
    ]
    judged_by = targets(row(), 0.6, real)
    assert judged_by["smoothing.onset_delay_frames"].value == pytest.approx(0.8)
    assert judged_by["smoothing.blink_depth"].value == pytest.approx(0.92)
    assert judged_by["smoothing.blink_depth"].passed
