"""Rows beside the review's tables: whose each is, and what of our measurements goes into them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from face1d_ros.evaluate.published_tables import REVIEW, Cell, Published

Measured = Mapping[str, Mapping[str, Any]]
"""Measurements as `Measurement.as_dict` wrote them, and what they are of (`data`), by name of `face1d evaluate all`."""
PUBLISHED, OURS = "published", "measured"
SYNTHETIC, REAL = "synthetic", "real"
RAW, NETWORK = "raw", "network"
"""Kinds of rows of `evaluate smoothing` and `evaluate mesh`; the others name themselves."""
FAMILIES = (
    ("bidirectional_lstm", "LSTM"),
    ("conv_lstm", "1D CNN + LSTM"),
    ("coefficient_lstm", "1D CNN + LSTM"),
    ("lstm", "LSTM"),
    ("gru", "GRU"),
    ("hybrid", "1D CNN + GRU"),
    ("one_d_former", "Transformer (1DFormer)"),
    ("transformer", "Transformer"),
    ("identity_n_pair", "Transformer"),
    ("identity_contrastive", "Transformer"),
    ("cnn", "1D CNN"),
    ("conv", "1D CNN"),
    ("logistic", "linear"),
)
"""What a model's name says of its architecture; the first that fits."""
NOT_COMPARABLE = (
    "Measured rows are not comparable with published ones: other faces, other hardware, and often another "
    "definition. Each row says its own conditions."
)


@dataclass(frozen=True)
class Row:
    """One line: published or measured."""

    source: str
    cells: Mapping[str, Cell]
    data: str
    """Synthetic or real, and which; of published rows what the caption says."""
    conditions: str
    reference: str = ""
    """Where a published row stands."""


@dataclass(frozen=True)
class Table:
    """One of the review's tables, filled."""

    number: int
    caption: str
    columns: Mapping[str, str]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = field(default=())


def filled(printed: Published, rows: list[Row]) -> Table:
    """The table as printed, and our rows below."""
    own = [
        Row(PUBLISHED, cells, printed.conditions, "as published", f"{REVIEW}, Table {printed.number}")
        for cells in printed.rows
    ]
    return Table(printed.number, printed.caption, printed.columns, (*own, *rows), (NOT_COMPARABLE, printed.doubts))


def parts(measured: Measured, name: str, part: str) -> list[dict[str, Any]]:
    """Rows of one kind of a measurement; none where it was not measured."""
    return [dict(row) for row in measured.get(name, {}).get("rows", ()) if row.get("part") == part]


def default_row(measured: Measured, name: str, part: str) -> dict[str, Any] | None:
    """That of the model that runs by default, which the conditions name."""
    default = measured.get(name, {}).get("conditions", {}).get("default")
    return next((row for row in parts(measured, name, part) if row["model"] == default), None)


def data_of(measured: Measured, name: str) -> str:
    """What a measurement is of."""
    return str(measured[name].get("data") or SYNTHETIC)


def encoders(measured: Measured) -> list[dict[str, Any]]:
    """Each of our encoders of identity: its figures on whole clips of motions within subjects, and its cost."""
    cost = {row["model"]: row for row in parts(measured, "identity", "cost")}
    return [row | cost[row["model"]] for row in identity_figures(measured) if row["model"] in cost]


def identity_figures(measured: Measured) -> list[dict[str, Any]]:
    """Of all contenders: whole clips of motions, pairs within subjects."""
    wanted = {"test": "motions", "pairs": "within subjects", "encoded": "whole clip"}
    rows = parts(measured, "identity", "figures")
    return [row for row in rows if "eer" in row and all(row.get(key) == value for key, value in wanted.items())]


def real_landmarks(measured: Measured) -> Iterator[tuple[str, dict[str, Any]]]:
    """Datasets, and the rows of their splits in which a face was found."""
    for name in measured:
        if name.startswith("landmarks-"):
            for row in parts(measured, name, "split"):
                if row.get("nme_percent") is not None:
                    yield name.removeprefix("landmarks-"), row


def real_expressions(measured: Measured) -> Iterator[dict[str, Any]]:
    """What folds of real datasets came to."""
    for name in measured:
        if name.startswith("expression-"):
            yield from (row for row in parts(measured, name, "all") if row.get("accuracy") is not None)


def cost_of(row: Mapping[str, Any]) -> dict[str, float | None]:
    """What three of the seven criteria are about."""
    return {"latency_ms": row["p95_ms"], "mflop": mflop(row["mac_m"]), "size_mb": row["size_mb"]}


def mflop(mac_m: float | None) -> float | None:
    """Two FLOPs to a multiply-accumulate."""
    return None if mac_m is None else 2.0 * mac_m


def named(model: str, kind: str = NETWORK) -> str:
    """A model, and what it is."""
    if kind == RAW:
        return "none: as detected"
    what = family(model) if kind == NETWORK else kind
    return f"{what}: `{model}`" if what else f"`{model}`"


def family(model: str) -> str:
    """The architecture, from the model's name; '' where it says none."""
    return next((what for part, what in FAMILIES if part in model), "")
