"""Measurements as `face1d evaluate` writes them, made by hand: a few rows of each."""

from __future__ import annotations

from typing import Any

DATA = "synthetic, synthetic-test-v1/general"
MACHINE = {"cpu": "a processor", "cores": 2, "os": "an OS"}


def measurement(command: str, rows: list[dict[str, Any]], data: str = DATA, **under: Any) -> dict[str, Any]:
    conditions = {"machine": MACHINE, "versions": {"face1d_ros": "1", "torch": None}, **under}
    return {"command": command, "conditions": conditions, "rows": rows, "targets": {}, "data": data, "quick": False}


def smoother(model: str, kind: str, mac_m: float | None, **changes: Any) -> dict[str, Any]:
    network = {"parameters": None if mac_m is None else 60_000, "size_mb": None if mac_m is None else 0.3}
    times = {"p50_ms": None, "p95_ms": None} if kind == "raw" else {"p50_ms": 0.4, "p95_ms": 0.6}
    figures = {"nme_percent": 1.5, "jitter_px": 0.7, "delay_frames": 0, "mac_m": mac_m}
    return {"part": "smoother", "model": model, "kind": kind, **figures, **network, **times, **changes}


def everything() -> dict[str, dict[str, Any]]:
    """All that Tables 3, 4, 5 and 7 are filled from."""
    smoothers = [
        smoother("raw", "raw", None, nme_percent=2.04),
        smoother("one_euro", "filter", None),
        smoother("smoothing_gru_68", "network", 0.13),
        smoother("smoothing_bidirectional_lstm_68", "network", 0.43, delay_frames=4),
    ]
    cost = {"p50_ms": 1.3, "p95_ms": 1.6, "mac_m": 4.0, "parameters": 400_000, "size_mb": 1.85}
    mesh = [
        {"part": "model", "model": "ridge", "kind": "closed form", "vertices": 6706, "error_mm_frame": 1.2}
        | {key: None for key in cost} | {"p95_ms": 15.0},
        {"part": "model", "model": "mesh_curve_cnn_478", "kind": "network", "vertices": 6706, "error_mm_frame": 2.6}
        | cost,
    ]  # fmt: skip
    expression = [
        {"part": "model", "model": "expression_cnn_landmarks", "reads": "landmarks", "accuracy": 0.913} | cost
    ]
    figures = {"part": "figures", "test": "motions", "pairs": "within subjects", "encoded": "whole clip", "ap": 0.99}
    identity = [
        figures | {"model": "paper, SFE-L"},
        figures | {"model": "identity_n_pair", "eer": 0.021},
        figures | {"model": "identity_n_pair", "eer": 0.5, "encoded": "spotted"},
        figures | {"model": "dynamic time warping", "eer": 0.3},
        {"part": "cost", "model": "identity_n_pair"} | cost,
    ]
    portrait = [{"part": "truth", "variant": "clean", "nme_percent": 0.2, "jitter_px": 0.1}]
    measured = {
        "smoothing-68": measurement("evaluate smoothing", smoothers, default="smoothing_gru_68"),
        "mesh": measurement("evaluate mesh", mesh, default="mesh_curve_cnn_478"),
        "expression": measurement("evaluate expression", expression, default="expression_cnn_landmarks"),
        "identity": measurement("evaluate identity", identity),
        "landmarks": measurement("evaluate landmarks", portrait, "synthetic, the animated portrait"),
    }
    measured["smoothing-68"]["targets"] = {
        "smoothing.jitter_ratio": {"value": 0.46, "target": 0.5, "pass": True},
        "smoothing.occlusion_ratio": {"value": 0.76, "target": 0.5, "pass": False},
        "smoothing.blink_depth": {"value": None, "target": 0.9, "pass": False},
    }
    return measured
