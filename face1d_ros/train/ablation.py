"""1DFormer with parts left out by turns (Yin et al. 2024, Table 1), and with shorter and longer windows (Figure 7)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from face1d_ros.evaluate.metrics import nrmse_percent, stability_percent
from face1d_ros.nets.network import StreamingNetwork
from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.synth.sequence import Sequence as Track
from face1d_ros.train.loop import Progress, train
from face1d_ros.train.recipe import Recipe
from face1d_ros.train.smoothing import Smoothing
from face1d_ros.train.tracks import stretches, whole
from face1d_ros.types import Topology

OFF = {"temporal": False, "intra": False, "inter": False}
WINDOWS = (2, 4, 6, 8, 10, 16)
"""Frames, from the shortest to the longest of Figure 7."""
BLOCKS = ("smoothing", "occlusion", "dropout")
"""Of the fixed test set, that the figures are of."""
FIGURES = "figures.json"
SHORTEST = 20
"""Frames of a stretch that says anything."""


@dataclass(frozen=True)
class Variant:
    """A row of Table 1."""

    name: str
    config: dict[str, Any]
    nrmse: tuple[float, ...]
    """The paper's, in percent: 300VW in its three categories, and TF."""
    stability: tuple[float, ...]


VARIANTS = (
    Variant("BL", OFF, (3.31, 3.45, 4.42, 2.02), (0.90, 0.93, 1.85, 0.66)),
    Variant(
        "BL+TE−a", OFF | {"temporal": True, "attention": False}, (3.26, 3.40, 4.39, 2.02), (0.87, 0.91, 1.84, 0.65)
    ),
    Variant(
        "BL+TE−r", OFF | {"temporal": True, "recurrent": False}, (3.06, 3.01, 4.10, 1.98), (0.80, 0.76, 1.61, 0.57)
    ),
    Variant(
        "BL+TE−c", OFF | {"temporal": True, "confidence": False}, (3.10, 3.03, 4.14, 2.00), (0.80, 0.77, 1.65, 0.61)
    ),
    Variant("BL+TE", OFF | {"temporal": True}, (2.91, 2.93, 3.98, 1.92), (0.74, 0.73, 1.52, 0.47)),
    Variant("BL+IT", OFF | {"inter": True}, (3.13, 3.06, 4.20, 2.00), (0.84, 0.79, 1.70, 0.62)),
    Variant("BL+IR", OFF | {"intra": True}, (3.16, 3.12, 4.25, 2.01), (0.85, 0.83, 1.73, 0.64)),
    Variant("BL+IR+IT", OFF | {"intra": True, "inter": True}, (3.09, 2.99, 4.12, 1.98), (0.82, 0.76, 1.64, 0.58)),
    Variant("BL+TE+IR", {"inter": False}, (2.82, 2.85, 3.93, 1.90), (0.72, 0.70, 1.47, 0.41)),
    Variant("BL+TE+IT", {"intra": False}, (2.80, 2.81, 3.88, 1.88), (0.72, 0.69, 1.44, 0.38)),
    Variant("BL+TE+IR+IT", {}, (2.74, 2.74, 3.80, 1.86), (0.70, 0.67, 1.42, 0.35)),
)


@dataclass(frozen=True)
class Run:
    """One training: which variant, and which seed."""

    name: str
    config: dict[str, Any]
    seed: int

    @property
    def folder(self) -> str:
        """Its name as a folder."""
        return f"{self.name.replace('−', '-minus-')}-{self.seed}"


def table_runs(seeds: int) -> list[Run]:
    """All of Table 1; seed after seed, so that a run that is broken off has whole tables."""
    return [Run(variant.name, variant.config, seed) for seed in range(1, seeds + 1) for variant in VARIANTS]


def window_runs(seeds: int) -> list[Run]:
    """All of Figure 7, of the whole network."""
    return [Run(f"W={window}", {"window": window}, seed) for seed in range(1, seeds + 1) for window in WINDOWS]


def figures_of(
    run: Run,
    recipe: Recipe,
    corpora: tuple[Corpus, Corpus],
    test: Sequence[Track],
    folder: Path,
    tell: Callable[[Progress], None],
) -> dict[str, float]:
    """NRMSE and stability on the test sequences, in percent; of a run that was made before, as it was kept."""
    place = folder / run.folder
    kept = place / FIGURES
    made = replace(recipe, seed=run.seed, config={**recipe.config, **run.config})
    if kept.exists():
        found = json.loads(kept.read_text(encoding="utf-8"))
        if found.pop("recipe") == json.loads(json.dumps(made.to_json())):
            return {name: float(value) for name, value in found.items()}
    place.mkdir(parents=True, exist_ok=True)
    network = train(Smoothing(made, *corpora), made, place, tell)
    figures = judged(network, test)
    part = kept.with_suffix(".part")
    part.write_text(json.dumps({**figures, "recipe": made.to_json()}), encoding="utf-8")
    os.replace(part, kept)
    return figures


def judged(network: StreamingNetwork | None, test: Sequence[Track]) -> dict[str, float]:
    """Means over the sequences; without a network, of the landmarks as they come."""
    rows = [row for sequence in test for row in _rows(network, sequence)]
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def _rows(network: StreamingNetwork | None, sequence: Track) -> Iterator[dict[str, float]]:
    if sequence.name.split("/")[0] not in BLOCKS:
        return
    part = max(stretches(sequence), key=lambda part: part.stop - part.start, default=slice(0, 0))
    if part.stop - part.start < SHORTEST:
        return
    window, seen = whole(sequence, part, Topology.FACE_68), sequence.seen[part]
    refined = window.landmarks
    if network is not None:
        with torch.inference_mode():
            refined = network.sequence(window.inputs)[0]["refined"]
    better, truth = (tensor[0, :, :, :2].numpy().astype(np.float64) for tensor in (refined, window.truth))
    yield {"nrmse": nrmse_percent(better, truth, seen), "stability": stability_percent(better, truth, seen)}
