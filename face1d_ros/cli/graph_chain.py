"""The whole chain of stages, each in a node of its own: fixed rates and the highest one, round by round."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from face1d_ros.cli.graph_processes import CAMERA, LISTENER, GraphRun
from face1d_ros.cli.process_usage import Usage, cpu_percent, usage_of
from face1d_ros.evaluate.rate_search import MOST_LOSS
from face1d_ros.graph import BENCH, NodeSpec
from face1d_ros.start import Start

Rows: TypeAlias = list[dict[str, Any]]
ALL = "all stages"
PERCENTILES = (50, 95, 99)
FIXED, SEARCH = "fixed", "search"


@dataclass(frozen=True)
class Plan:
    """What the camera does."""

    specs: tuple[NodeSpec, ...]
    rates_hz: tuple[float, ...] = (10.0, 30.0, 60.0)
    seconds: float = 10.0
    rounds: int = 3
    highest: bool = True
    width: int = 640
    height: int = 480

    def starts(self) -> dict[str, Start]:
        """Its processes: every stage, and both ends."""
        names = ",".join(spec.stage for spec in self.specs)
        camera = {
            "role": "chain_camera",
            "stages": names,
            "rates": ",".join(f"{rate_hz:g}" for rate_hz in self.rates_hz),
            **{key: getattr(self, key) for key in ("seconds", "rounds", "highest", "width", "height")},
        }
        return {
            **{spec.stage: Start(spec) for spec in self.specs},
            LISTENER: Start(BENCH, {"role": "chain_listener", "stages": names}),
            CAMERA: Start(BENCH, camera),
        }


@dataclass
class Take:
    """Images at one rate: what became of them, and what the processes took for them."""

    kind: str
    round: int
    rate_hz: float
    frames: int
    stamps_ns: list[int] = field(default_factory=list)
    results: dict[str, list[tuple[int, int, float, int, int]]] = field(default_factory=dict)
    """By topic: stamp and time of receipt in ns, duration in s, dropped so far, faces."""
    before: dict[str, Usage] = field(default_factory=dict)
    after: dict[str, Usage] = field(default_factory=dict)

    @property
    def kept_hz(self) -> float:
        """At which rate the camera has published."""
        if len(self.stamps_ns) < 2:
            return 0.0
        return (len(self.stamps_ns) - 1) / ((self.stamps_ns[-1] - self.stamps_ns[0]) * 1e-9)


class ChainRun:
    """Runs a plan and gathers what both ends say."""

    def __init__(self, plan: Plan, tell: Callable[[Take], None]) -> None:
        """`tell` is called when a take begins."""
        self.takes: dict[int, Take] = {}
        self.highest_hz: list[float | None] = []
        """Of each round."""
        self.images_sha256 = ""
        self._plan = plan
        self._tell = tell
        self._run = GraphRun(plan.starts(), self._message)

    def run(self) -> None:
        """All rounds. Raises ProcessError, or KeyboardInterrupt after a Ctrl-C."""
        self._run.run(self._is_complete)

    def _is_complete(self) -> bool:
        plan, topics = self._plan, {spec.publishes[0].name for spec in self._plan.specs}
        fixed = [take for take in self.takes.values() if take.kind == FIXED]
        found = len(self.highest_hz) == plan.rounds or not plan.highest
        return (
            found
            and len(fixed) == plan.rounds * len(plan.rates_hz)
            and all(take.stamps_ns and set(take.results) == topics for take in self.takes.values())
        )

    def _message(self, name: str, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "images":
            self.images_sha256 = message["sha256"]
        elif kind == "begin":
            values = {key: message[key] for key in ("kind", "round", "rate_hz", "frames")}
            take = self.takes[message["take"]] = Take(**values, before=self._usage())
            self._tell(take)
        elif kind == "end":
            self.takes[message["take"]].after = self._usage()
        elif kind == "published":
            self.takes[message["take"]].stamps_ns = message["stamps_ns"]
        elif kind == "results":
            self.takes[message["take"]].results[message["topic"]] = message["results"]
        elif kind == "highest":
            self.highest_hz.append(message["rate_hz"])

    def _usage(self) -> dict[str, Usage]:
        return {name: usage_of(process_id) for name, process_id in self._run.process_ids.items()}


def stage_rows(takes: Iterable[Take], specs: Sequence[NodeSpec]) -> Rows:
    """A row for each rate and stage, and one for all of them: medians over the rounds, and the range of p50 and p99."""
    rows: Rows = []
    for rate_hz, rounds in _by_rate(takes).items():
        measured = [_measured(take, specs) for take in rounds]
        for stage in (*(spec.stage for spec in specs), ALL):
            each = [one[stage] for one in measured]
            row: dict[str, Any] = {"part": "stages", "pace": f"{rate_hz:g} Hz", "what": stage}
            row |= {key: _median(one[key] for one in each) for key in each[0]}
            for key in ("age_p50_ms", "age_p99_ms"):
                row[f"{key}_spread"] = _spread(one[key] for one in each)
            rows.append(row)
    return rows


def process_rows(takes: Iterable[Take]) -> Rows:
    """A row for each rate and process."""
    rows: Rows = []
    for rate_hz, rounds in _by_rate(takes).items():
        for name in rounds[0].after:
            percents = [cpu_percent(take.before[name], take.after[name]) for take in rounds]
            rows.append(
                {
                    "part": "processes",
                    "pace": f"{rate_hz:g} Hz",
                    "process": name,
                    "cpu_percent": _median(percents),
                    "cpu_percent_spread": _spread(percents),
                    "resident_mb": max(take.after[name].resident_mb for take in rounds),
                }
            )
    return rows


def highest_row(rates_hz: Sequence[float | None], takes: Iterable[Take]) -> dict[str, Any]:
    """The highest rate with under 5 % loss; None where no rate was borne."""
    tried = sum(take.kind == SEARCH for take in takes)
    known = [rate_hz or 0.0 for rate_hz in rates_hz]
    return {
        "part": "highest",
        "what": ALL,
        "most_loss": MOST_LOSS,
        "rate_hz": _median(known) or None,
        "rate_hz_spread": _spread(known),
        "rounds": len(rates_hz),
        "rates_tried": tried,
    }


def _by_rate(takes: Iterable[Take]) -> dict[float, list[Take]]:
    """Those of fixed rates."""
    by_rate: dict[float, list[Take]] = defaultdict(list)
    for take in takes:
        if take.kind == FIXED:
            by_rate[take.rate_hz].append(take)
    return dict(by_rate)


def _measured(take: Take, specs: Sequence[NodeSpec]) -> dict[str, dict[str, float | None]]:
    """What a take says of each stage, and of the last result of each frame: results are matched by their stamps."""
    published = set(take.stamps_ns)
    ages: dict[str, dict[int, float]] = {}
    measured = {}
    for spec in specs:
        results = [result for result in take.results[spec.publishes[0].name] if result[0] in published]
        ages[spec.stage] = {stamp_ns: (received_ns - stamp_ns) * 1e-6 for stamp_ns, received_ns, *_ in results}
        drops = [dropped for *_, dropped, _ in results]
        measured[spec.stage] = {
            **_ages(take, ages[spec.stage]),
            "dropped": float(drops[-1] - drops[0]) if drops else None,
            "stage_p50_ms": _median(duration_s * 1e3 for _, _, duration_s, *_ in results),
            "with_face": sum(faces > 0 for *_, faces in results) / len(results) if results else None,
        }
    complete = set.intersection(*(set(of) for of in ages.values()))
    last = {stamp_ns: max(of[stamp_ns] for of in ages.values()) for stamp_ns in complete}
    measured[ALL] = {**_ages(take, last), "dropped": None, "stage_p50_ms": None, "with_face": None}
    return measured


def _ages(take: Take, ages_ms: dict[int, float]) -> dict[str, float | None]:
    """Loss counts the images that should have been published."""
    found = np.percentile([*ages_ms.values()], PERCENTILES).tolist() if ages_ms else [None] * len(PERCENTILES)
    return {
        "images": float(take.frames),
        "kept_hz": take.kept_hz,
        "loss": (take.frames - len(ages_ms)) / take.frames,
        **{f"age_p{which}_ms": value for which, value in zip(PERCENTILES, found, strict=True)},
    }


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]


def _median(values: Iterable[float | None]) -> float | None:
    known = _known(values)
    return statistics.median(known) if known else None


def _spread(values: Iterable[float | None]) -> float | None:
    """Largest minus least."""
    known = _known(values)
    return max(known) - min(known) if known else None
