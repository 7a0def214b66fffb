"""Rows and targets of `face1d evaluate identity`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.engines.bundle import Bundle
from face1d_ros.evaluate.identity_protocol import Outcome, Pairs, Scores
from face1d_ros.evaluate.measurement import Target
from face1d_ros.evaluate.verification import average_precision, curve

WARPING, POOLED = "dynamic time warping", "mean and spread over time"
BASELINES = (WARPING, POOLED)
WITHIN, ACROSS = "within subjects", "across subjects"
WITH_TWINS = "within subjects, with twins"
"""Motions that one subject chose twice as well, which the paper's protocol has not."""
DRAWN = "across subjects, drawn"
"""Some of the pairs across subjects: as many as dynamic time warping can do."""
MOTIONS, LIP_MOVEMENTS = "motions", "lip movements"
WHOLE, SPOTTED = "whole clip", "spotted"
LEAST_AP, LEAST_F1, MOST_AP_LOSS, MOST_P50_MS = 0.988, 0.959, 0.02, 20.0
PAPER = (
    ("SFE-E", "contrastive", True, 0.967, 0.914),
    ("SFE-E", "contrastive", False, 0.966, 0.912),
    ("SFE-E", "N-pair", True, 0.969, 0.918),
    ("SFE-E", "N-pair", False, 0.969, 0.914),
    ("SFE-L", "contrastive", True, 0.988, 0.959),
    ("SFE-L", "contrastive", False, 0.987, 0.955),
    ("SFE-L", "N-pair", True, 0.986, 0.957),
    ("SFE-L", "N-pair", False, 0.986, 0.955),
)
"""Table 1 of Sun et al. (Electronics 2022): features, loss, random trimming, AP, peak F1. Real faces, other people."""
PAPER_LIPS = (
    ("LM", 0.819, 0.742),
    ("FM, LM", 0.816, 0.741),
)
"""Table 2: trained on lip movements (LM), or on facial motions (FM) too."""
FMR_IN_USE = 0.01
"""`false_match_rate` of the identity node, unless it is set otherwise."""
LOSSES = {"contrastive": "contrastive", "n_pair": "N-pair"}


def figures_row(
    model: str, settings: Mapping[str, Any], test: str, pairs: str, way: str, found: Outcome
) -> dict[str, Any]:
    """What a contender came to on one kind of pairs."""
    loss = settings.get("loss")
    return {
        "part": "figures",
        "test": test,
        "pairs": pairs,
        "model": model,
        "loss": LOSSES.get(str(loss), loss),
        "trimming": settings.get("trimming"),
        "encoded": way,
        **found.as_row(),
    }


def paper_rows() -> list[dict[str, Any]]:
    """The published figures, as rows of the same table."""
    motions = [
        {"part": "figures", "test": MOTIONS, "pairs": WITHIN, "model": f"paper, {features}", "loss": loss,
         "trimming": trimming, "encoded": WHOLE, "ap": ap, "f1": f1}
        for features, loss, trimming, ap, f1 in PAPER
    ]  # fmt: skip
    lips = [
        {"part": "figures", "test": LIP_MOVEMENTS, "pairs": WITHIN, "model": f"paper, {name}", "loss": "contrastive",
         "trimming": True, "encoded": WHOLE, "ap": ap, "f1": f1}
        for name, ap, f1 in PAPER_LIPS
    ]  # fmt: skip
    return [*motions, *lips]


def fold_rows(model: str, test: str, found: Outcome) -> list[dict[str, Any]]:
    """A row for each fold of subjects."""
    return [
        {"part": "fold", "test": test, "model": model, "fold": number, "ap": ap, "f1": f1}
        for number, (ap, f1) in enumerate(found.by_fold)
    ]


def operating_rows(
    model: str, settings: Mapping[str, Any], way: str, pairs: str, scores: Scores, genuine: NDArray[np.bool_]
) -> list[dict[str, Any]]:
    """What the thresholds that ship with a model do here."""
    return [
        {
            "part": "operating point",
            "model": model,
            "pairs": pairs,
            "encoded": way,
            "meant_fmr": float(fmr),
            "threshold": float(threshold),
            "fmr": float((scores[~genuine] >= threshold).mean()) if not genuine.all() else None,
            "fnmr": float((scores[genuine] < threshold).mean()),
        }
        for fmr, threshold in settings.get("operating_points", ())
    ]


def threshold_in_use(settings: Mapping[str, Any], found: Outcome) -> float:
    """The one that the node takes by default; of what ships none, that of one false match in a hundred here."""
    shipped = {float(fmr): float(threshold) for fmr, threshold in settings.get("operating_points", ())}
    return shipped.get(FMR_IN_USE, found.pooled.at_fmr[0].threshold)


def subject_rows(
    model: str, test: str, way: str, scores: Scores, pairs: Pairs, threshold: float
) -> list[dict[str, Any]]:
    """A row for each subject, of the pairs of that subject's clips."""
    rows = []
    for subject in np.unique(pairs.subject):
        which = pairs.subject == subject
        own, genuine = scores[which], pairs.genuine[which]
        has_both = genuine.any() and not genuine.all()
        rows.append(
            {
                "part": "subject",
                "test": test,
                "model": model,
                "encoded": way,
                "subject": int(subject),
                "ap": average_precision(curve(own, genuine)) if has_both else None,
                "threshold": threshold,
                "genuine": int(genuine.sum()),
                "impostors": int((~genuine).sum()),
                "refused": int((own[genuine] < threshold).sum()),
                "accepted": int((own[~genuine] >= threshold).sum()),
            }
        )
    return rows


def robust_row(
    model: str, condition: str, which: str, pairs: Pairs, plain: float, found: float | None
) -> dict[str, Any]:
    """AP under a condition beside that of pairs as they are."""
    return {
        "part": "robust",
        "model": model,
        "condition": condition,
        "pairs": which,
        "ap_as_they_are": plain,
        "ap": found,
        "ap_loss": None if found is None else plain - found,
        "genuine": int(pairs.genuine.sum()),
        "impostors": int((~pairs.genuine).sum()),
    }


def cost_row(bundle: Bundle, paced_s: Sequence[float], tight_s: Sequence[float]) -> dict[str, Any]:
    """Encoding of a clip of 4 s, and what the network is made of."""
    manifest = bundle.manifest
    return {
        "part": "cost",
        "model": manifest.name,
        "p50_ms": 1e3 * float(np.percentile(paced_s, 50)),
        "p95_ms": 1e3 * float(np.percentile(paced_s, 95)),
        "tight_p50_ms": 1e3 * float(np.percentile(tight_s, 50)),
        "tight_p95_ms": 1e3 * float(np.percentile(tight_s, 95)),
        "mac_m": manifest.mac / 1e6,
        "parameters": manifest.parameters,
        "size_mb": sum(file.stat().st_size for file in bundle.path.iterdir()) / 1e6,
    }


def largest_loss(rows: Sequence[Mapping[str, Any]], model: str) -> float | None:
    """Of AP, under all conditions that were tried."""
    losses = [row["ap_loss"] for row in rows if row["part"] == "robust" and row["model"] == model]
    return max(losses) if losses else None


def targets(rows: Sequence[Mapping[str, Any]], model: str | None) -> dict[str, Target]:
    """All of them, of one model; what was not measured has no value, and does not pass."""

    def of(part: str, key: str, **fixed: str) -> float | None:
        wanted = {"part": part, "model": model, **fixed}
        return next((row[key] for row in rows if all(row.get(name) == value for name, value in wanted.items())), None)

    main = {"test": MOTIONS, "pairs": WITHIN, "encoded": WHOLE}
    return {
        "identity.ap": Target(of("figures", "ap", **main), LEAST_AP, ">="),
        "identity.f1": Target(of("figures", "f1", **main), LEAST_F1, ">="),
        "identity.robust_ap_loss": Target(largest_loss(rows, model) if model else None, MOST_AP_LOSS),
        "identity.encode_p50_ms": Target(of("cost", "p50_ms"), MOST_P50_MS),
    }


def beaten_by(rows: Sequence[Mapping[str, Any]], model: str) -> list[str]:
    """Baselines, and other models, with a higher AP within subjects, in words."""
    main = {"part": "figures", "pairs": WITHIN, "encoded": WHOLE}
    found = []
    for test in (MOTIONS, LIP_MOVEMENTS):
        of = {row["model"]: row["ap"] for row in rows
              if all(row.get(k) == v for k, v in {**main, "test": test}.items()) and "eer" in row}  # fmt: skip
        ours = of.get(model)
        found += [
            f"{test}: {name} has an AP of {ap:.4f}, {model} {ours:.4f}"
            for name, ap in of.items()
            if ours is not None and name != model and ap > ours
        ]
    return found
