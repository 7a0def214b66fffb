"""How long the stages took, what they dropped, and how old results were when they were recorded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from face1d_ros.graph import STAGES
from face1d_ros.replay.report.binned import Group, Line
from face1d_ros.replay.report.content import LOWER, Figure, Latency
from face1d_ros.replay.report.histogram import LogHistogram
from face1d_ros.replay.report.tracks import TrackBook
from face1d_ros.types import StageInfo

ORDER = tuple(spec.stage for spec in STAGES)
ALL = "all"
"""The stages of a frame together."""
PERCENTS = (50, 95, 99)
OLDEST_S = 60.0
"""A result recorded later than this after its image tells of another clock."""
PLAUSIBLE = 0.5
"""Of the results: where fewer have a possible age, the times of recording are none of receiving."""
PENDING = 64
"""Frames whose stages may still come."""


@dataclass
class Stage:
    """One of them."""

    model: str = ""
    times_ms: LogHistogram = field(default_factory=LogHistogram)
    ages_ms: LogHistogram = field(default_factory=LogHistogram)
    frames: int = 0
    dropped: int = 0
    received: int = 0
    _last: tuple[int, int] | None = None

    def take(self, info: StageInfo, age_s: float) -> None:
        """Its next result. What it counted before the first is not of the bag; a node that starts anew counts anew."""
        self.frames += 1
        self.model = " on ".join(part for part in (info.model, info.engine) if part) or self.model
        self.times_ms.add(1e3 * info.duration_s)
        if 0.0 < age_s < OLDEST_S:
            self.ages_ms.add(1e3 * age_s)
        received, dropped = self._last or (max(info.received - 1, 0), info.dropped)
        anew = info.received < received or info.dropped < dropped
        self.received += info.received if anew else info.received - received
        self.dropped += info.dropped if anew else info.dropped - dropped
        self._last = (info.received, info.dropped)


class Latencies:
    """Of all stages."""

    def __init__(self, book: TrackBook) -> None:
        self.stages: dict[str, Stage] = {}
        self.together_ms = LogHistogram()
        self._book = book
        self._groups: dict[str, Group] = {}
        self._pending: dict[int, dict[str, float]] = {}

    def take(self, stage: str, info: StageInfo, stamp_ns: int, recorded_ns: int, t_s: float) -> None:
        """A stage's result for a frame; `stage` by its topic, as the message may not say it."""
        if stage not in self.stages:
            self.stages[stage] = Stage()
            self.stages = {name: self.stages[name] for name in ORDER if name in self.stages}
            self._groups[stage] = Group(f"latency {stage}", (Line(f"latency.{stage}_ms", stage, "ms"),))
        self.stages[stage].take(info, (recorded_ns - stamp_ns) * 1e-9)
        if math.isfinite(info.duration_s):
            self._book.add(None, self._groups[stage], t_s, [1e3 * info.duration_s])
            self._pending.setdefault(stamp_ns, {})[stage] = 1e3 * info.duration_s
            if len(self._pending) > PENDING:
                self._sum_up(next(iter(self._pending)))

    def close(self) -> None:
        """The bag has ended."""
        for stamp_ns in list(self._pending):
            self._sum_up(stamp_ns)

    def figures(self) -> list[Figure]:
        """Percentiles, drops and ages of each stage."""
        found: list[Figure] = []
        several = {ALL: self.together_ms} if len(self.stages) > 1 else {}
        for name, times_ms in ({name: stage.times_ms for name, stage in self.stages.items()} | several).items():
            found += _percentiles(f"latency.{name}", "all stages together" if name == ALL else name, times_ms)
        for name, stage in self.stages.items():
            share = 100.0 * stage.dropped / stage.received if stage.received else None
            found += [
                Figure(f"drops.{name}", f"{name}: frames dropped", float(stage.dropped), "", LOWER),
                Figure(f"drops.{name}_percent", f"{name}: share dropped", share, "%", LOWER),
            ]
        for name, stage in self.stages.items():
            if stage.ages_ms.count > PLAUSIBLE * stage.frames:
                found += _percentiles(f"age.{name}", f"age of {name} when recorded", stage.ages_ms)
        return found

    def found(self) -> list[Latency]:
        """For each stage whose time is known."""
        several = [(ALL, self.together_ms, 0)] if len(self.stages) > 1 else []
        timed = [(name, stage.times_ms, stage.dropped) for name, stage in self.stages.items()] + several
        return [_latency(*one) for one in timed if one[1].count]

    def slowest_ms(self) -> float | None:
        """p95 of all stages together, or of the only one."""
        times_ms = self.together_ms if len(self.stages) > 1 else next((s.times_ms for s in self.stages.values()), None)
        return times_ms.percentile(95) if times_ms is not None and times_ms.count else None

    def models(self) -> Mapping[str, str]:
        """By stage: model and engine."""
        return {name: stage.model for name, stage in self.stages.items() if stage.model}

    def _sum_up(self, stamp_ns: int) -> None:
        """Frames of which a stage is missing tell nothing of all together."""
        times_ms = self._pending.pop(stamp_ns)
        if len(times_ms) == len(self.stages):
            self.together_ms.add(sum(times_ms.values()))


def _percentiles(key: str, name: str, values_ms: LogHistogram) -> list[Figure]:
    if not values_ms.count:
        return []
    return [
        Figure(f"{key}.p{percent}_ms", f"{name}, p{percent}", values_ms.percentile(percent), "ms", LOWER)
        for percent in PERCENTS
    ]


def _latency(stage: str, times_ms: LogHistogram, dropped: int) -> Latency:
    p50, p95, p99 = (times_ms.percentile(percent) for percent in PERCENTS)
    edges_ms, counts = times_ms.shown()
    return Latency(stage, times_ms.count, dropped, p50, p95, p99, times_ms.largest, edges_ms, counts)
