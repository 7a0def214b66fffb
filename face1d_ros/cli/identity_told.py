"""Decisions on identity, as people and programs read them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from face1d_ros.cli.identity_faces import NS, View
from face1d_ros.cli.identity_options import span_text
from face1d_ros.types import Decision, FaceIdentity, Factor

EXIT_CODES = {
    Decision.VERIFIED: 0,
    Decision.REJECTED: 3,
    Decision.NO_MATCH: 3,
    Decision.NOT_ENOUGH_MOTION: 4,
    Decision.LOCKED_OUT: 5,
}
COLOURS = {Decision.VERIFIED: "green", Decision.NOT_ENOUGH_MOTION: "yellow"}
_WIDTH = 11


def name_of(decided: FaceIdentity) -> str:
    """In a word or three: 'not enough motion'."""
    if decided.decision is Decision.VERIFIED and not decided.claimed:
        return "identified"
    return decided.decision.name.lower().replace("_", " ")


def factors_of(decided: FaceIdentity) -> list[str]:
    """What the decision rests on."""
    return [str(factor.name).lower() for factor in (Factor.MOTION, Factor.APPEARANCE) if factor in decided.factors]


def print_decision(decided: FaceIdentity, view: View) -> None:
    """The decision, and all it rests on."""
    colour = COLOURS.get(decided.decision, "red")
    who = f"  subject {decided.subject}" if decided.subject else ""
    click.echo(click.style(name_of(decided), fg=colour, bold=True) + who)
    if math.isnan(decided.score):
        return
    factors = factors_of(decided)
    needed = f"{decided.threshold:.3f} needed (false match rate {decided.false_match_rate:.2g}, as measured)"
    margin = (
        "nobody else to compare with" if math.isnan(decided.margin) else f"{decided.margin:+.3f} to the next subject"
    )
    _row("score", f"{decided.score:.3f}, {needed}")
    _row("margin", margin)
    _row("factors", f"{factors[0]} only" if len(factors) == 1 else " and ".join(factors))
    if decided.decision is not Decision.VERIFIED and decided.score >= decided.threshold:
        _row("appearance", "somebody else's")
    if not math.isnan(decided.template_age_s):
        _row("template", f"enrolled {span_text(max(decided.template_age_s, 0.0))} ago")
    _row("judged", f"{_from_s(decided, view):.2f} s to {_to_s(decided, view):.2f} s of {view.name}")


def decision_dict(decided: FaceIdentity, view: View) -> dict[str, Any]:
    """For programs; what is not known is null."""
    was_judged = bool(decided.judged_to_ns)
    return {
        "decision": decided.decision.name.lower(),
        "subject": decided.subject or None,
        "claimed": decided.claimed,
        "score": _known(decided.score),
        "threshold": _known(decided.threshold),
        "margin": _known(decided.margin),
        "false_match_rate": _known(decided.false_match_rate),
        "factors": factors_of(decided),
        "template_age_s": _known(decided.template_age_s, least=0.0),
        "judged_from_s": _from_s(decided, view) if was_judged else None,
        "judged_to_s": _to_s(decided, view) if was_judged else None,
    }


def write_json(path: Path, content: dict[str, Any]) -> None:
    """The file, as people can read it, too."""
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def print_remarks(name: str, remarks: Sequence[str]) -> None:
    """What the user should know beside the decision."""
    for remark in remarks:
        click.secho(f"{name}: {remark}", fg="yellow", err=True)


def _row(what: str, text: str) -> None:
    click.echo(f"  {what:<{_WIDTH}}{text}")


def _from_s(decided: FaceIdentity, view: View) -> float:
    return round((decided.judged_from_ns - view.begin_ns) / NS, 3)


def _to_s(decided: FaceIdentity, view: View) -> float:
    return round((decided.judged_to_ns - view.begin_ns) / NS, 3)


def _known(value: float, least: float = -math.inf) -> float | None:
    return None if math.isnan(value) else round(max(value, least), 6)
