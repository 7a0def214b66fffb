"""What was measured of smoothers as rows of a table, verdicts, and the targets of the default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from face1d_ros.engines.bundle import Bundle
from face1d_ros.evaluate.measurement import Row, Target
from face1d_ros.evaluate.smoothing import Judged, ratio
from face1d_ros.evaluate.verdicts import Verdict, judge

RAW, FILTER, NETWORK = "raw", "filter", "network"
LARGEST_LAG_FRAMES = 0.3


@dataclass(frozen=True, eq=False)
class Contender:
    """One row: the measurement as it is, a filter, or a network."""

    name: str
    kind: str
    model: str
    """As `SmoothingConfig.model` takes it."""
    bundle: Bundle | None = None

    @property
    def delay_frames(self) -> int:
        """By which its output comes later than its input."""
        return 0 if self.bundle is None else int(self.bundle.manifest.settings.get("look_ahead", 0))

    def cost(self) -> dict[str, float | int | None]:
        """Of a network; filters have no weights, and what they multiply is not counted."""
        if self.bundle is None:
            return {"parameters": None, "mac_m": None, "size_mb": None}
        size_bytes = sum(file.stat().st_size for file in self.bundle.path.iterdir())
        manifest = self.bundle.manifest
        return {"parameters": manifest.parameters, "mac_m": manifest.mac / 1e6, "size_mb": size_bytes / 1e6}


def smoother_row(
    contender: Contender, judged: Judged, baseline: Judged, times_s: Sequence[float]
) -> dict[str, float | int | str | None]:
    """All that is measured of one smoother on the synthetic set; `baseline` is the raw track."""
    p50_ms, p95_ms = (float(np.percentile(times_s, share)) * 1e3 if len(times_s) else None for share in (50, 95))
    return {
        "part": "smoother",
        "model": contender.name,
        "kind": contender.kind,
        **judged.motion,
        "delay_frames": contender.delay_frames,
        "nme_ratio": judged.motion["nme_percent"] / baseline.motion["nme_percent"],
        "jitter_ratio": judged.motion["jitter_px"] / baseline.motion["jitter_px"],
        "hidden_percent": _mean(judged.hidden_percent),
        "missing_percent": _mean(judged.missing_percent),
        "hidden_ratio": ratio(judged.hidden_percent, baseline.hidden_percent),
        "missing_ratio": ratio(judged.missing_percent, baseline.missing_percent),
        "occlusion_ratio": occlusion_ratio(judged, baseline),
        **{f"{key}_of_68": value for key, value in judged.of_68.items()},
        **contender.cost(),
        "p50_ms": p50_ms,
        "p95_ms": p95_ms,
    }


def sequence_rows(name: str, judged: Judged) -> list[dict[str, Any]]:
    """A row for each sequence, with what it tells."""
    return [{"part": "sequence", "model": name, **one} for one in judged.sequences]


def occlusion_ratio(judged: Judged, baseline: Judged) -> float:
    """Error where the face was hidden or lost, beside the raw points or the last held: all sequences count the same."""
    ours, theirs = (np.concatenate([one.hidden_percent, one.missing_percent]) for one in (judged, baseline))
    return ratio(ours, theirs)


def verdicts(row: Mapping[str, Any]) -> tuple[Verdict, ...]:
    """The seven of Table 7; what a smoother has not, and what it is no task for, stays unmeasured."""
    values = {
        "nme_percent": row["nme_percent"],
        "latency_ms": row["p95_ms"],
        "mflop": None if row["mac_m"] is None else 2.0 * row["mac_m"],
        "size_mb": row["size_mb"],
        "jitter_px": row["jitter_px"],
    }
    return judge(values, data="synthetic", conditions=f"{row['model']}; latency is p95 at 30 Hz")


def targets(
    row: Mapping[str, Any], frontier_ratio: float | None, real: Iterable[Mapping[str, Any]]
) -> dict[str, Target]:
    """Of the default: its row, and its rows on real recordings, of which the worst counts."""
    rows = [one for one in real if one["model"] == row["model"]]
    onsets = [one["onset_delay_frames"] for one in rows if one["onset_delay_frames"] is not None]
    depths = [one["blink_depth"] for one in rows if one["blink_depth"] is not None]
    return {
        "smoothing.jitter_ratio": Target(row["jitter_ratio"], 0.5),
        "smoothing.nme_ratio": Target(row["nme_ratio"], 0.9),
        "smoothing.abs_lag_frames": Target(abs(row["lag_frames"]), LARGEST_LAG_FRAMES),
        "smoothing.frontier_ratio": Target(frontier_ratio, 0.7),
        "smoothing.occlusion_ratio": Target(row["occlusion_ratio"], 0.5),
        "smoothing.p50_ms": Target(row["p50_ms"], 1.0),
        "smoothing.mac_m": Target(row["mac_m"], 100.0),
        "smoothing.size_mb": Target(row["size_mb"], 10.0),
        "smoothing.onset_delay_frames": Target(max(onsets, default=None), 1.0),
        "smoothing.blink_depth": Target(min(depths, default=None), 0.9, ">="),
    }


def robustness_row(name: str, refined: Mapping[str, float], measured: Mapping[str, float]) -> dict[str, Any]:
    """On faces outside the face model, from figures of the smoother and of the raw track there."""
    pairs = (("nme_percent", "nme_ratio"), ("jitter_px", "jitter_ratio"))
    return {
        "part": "other faces",
        "model": name,
        **refined,
        **{named: refined[key] / measured[key] for key, named in pairs},
    }


def verdict_rows(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """All seven of each smoother, one row each."""
    return [{"part": "verdict", "model": row["model"], **verdict.as_row()} for row in rows for verdict in verdicts(row)]


def _mean(values: Any) -> float | None:
    return float(values.mean()) if len(values) else None
