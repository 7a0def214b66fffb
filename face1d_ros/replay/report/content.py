"""Everything that a report holds, before it is a page, JSON or CSV."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from face1d_ros.evaluate.verdicts import Verdict

Values: TypeAlias = NDArray[np.float32]
FORMAT = 1
"""Of report.json; a higher one is refused by those who read a lower one."""
LOWER, HIGHER, NEITHER = "lower", "higher", ""
"""Which direction of a figure is better."""


@dataclass(frozen=True)
class Run:
    """What was run on what."""

    command: str
    """As the user would type it again."""
    source: str
    """Description of the bag, video or folder."""
    topic: str = ""
    """The image topic; '' where there is none."""
    frames: int = 0
    duration_s: float = 0.0
    """By the stamps."""
    rate_hz: float | None = None
    """Median of the stamps' distances, inverted."""
    width: int = 0
    height: int = 0
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By node, what differs from the defaults."""
    models: Mapping[str, str] = field(default_factory=dict)
    """By stage: model and engine, as `StageInfo` says them."""
    conditions: Mapping[str, Any] = field(default_factory=dict)
    """Machine and versions, as `measurement.conditions` gives them."""
    wall_s: float | None = None
    """How long the run took; None where it is not known, as of a bag that a robot has recorded."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Frames of the source that were left out, by reason."""
    damage: tuple[str, ...] = ()
    """What could not be read, a sentence each; () where all was."""


@dataclass(frozen=True)
class Figure:
    """One number of the report."""

    key: str
    """Stable and unique, such as `stability.smoothed.sta1_percent`; its first part is the section it belongs to."""
    name: str
    """For people."""
    value: float | None
    """None where it is not known."""
    unit: str = ""
    better: str = NEITHER


@dataclass(frozen=True, eq=False)
class Series:
    """One value over time, thinned: of each bin its mean and range. NaN where there was nothing."""

    key: str
    """Such as `pose.yaw_deg`."""
    name: str
    unit: str
    track_id: int | None
    """The face it belongs to; None: of the frame."""
    t_s: Values
    """(B,) middle of each bin, seconds after the first frame."""
    mean: Values
    low: Values
    high: Values


@dataclass(frozen=True)
class Span:
    """Something that lasted: a track, a label, a phase, a time without a face."""

    kind: str
    """`track`, `label`, `phase`, `bridged` or `no_face`."""
    track_id: int | None
    value: str
    """The label, the phase; '' for a track."""
    from_s: float
    to_s: float


@dataclass(frozen=True)
class Judgement:
    """A decision about identity, once."""

    track_id: int
    t_s: float
    decision: str
    """`verified`, `rejected` …, as `types.Decision` in lower case."""
    subject: str
    score: float | None
    threshold: float | None
    margin: float | None
    factors: str
    """Such as `motion only`; '' for none."""
    from_s: float | None
    to_s: float | None
    """The stretch that was judged."""


@dataclass(frozen=True, eq=False)
class Latency:
    """How long a stage took for each frame."""

    stage: str
    frames: int
    dropped: int
    """Frames of the source that it never saw, because a newer one was there."""
    p50_ms: float
    p95_ms: float
    p99_ms: float
    largest_ms: float
    edges_ms: Values
    """(H+1,) of the histogram's bins, growing by a constant factor."""
    counts: Values
    """(H,)."""


@dataclass(frozen=True)
class Moment:
    """A picture of an interesting moment."""

    t_s: float
    caption: str
    """Such as `happiness at its apex, face 1`."""
    kind: str
    """`appears`, `apex`, `turned`, `lost`, `judged`, `several`, `regular` …"""
    jpeg: bytes
    """With the faces drawn onto it; or on plain ground where there were no images."""


@dataclass(frozen=True, eq=False)
class Report:
    """All of it."""

    run: Run
    figures: tuple[Figure, ...] = ()
    """Of all sections, also accuracy where truth was given (section `accuracy`)."""
    series: tuple[Series, ...] = ()
    spans: tuple[Span, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    latencies: tuple[Latency, ...] = ()
    moments: tuple[Moment, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    """The seven, where truth was given; () otherwise."""
    notes: tuple[str, ...] = ()
    """What a reader should know: what was not recorded, what was thinned out."""
    truth: str = ""
    """Where the truth came from; '' for none."""

    def series_of(self, key: str) -> tuple[Series, ...]:
        """All with this key, one a face."""
        return tuple(series for series in self.series if series.key == key)

    def spans_of(self, kind: str) -> tuple[Span, ...]:
        """All of this kind, in their order."""
        return tuple(span for span in self.spans if span.kind == kind)
