"""The asymmetry index of the mesh stage against weakness that is known, on landmarks as the graph smooths them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass

from scipy.stats import spearmanr

from face1d_ros.config import MeshConfig, SmoothingConfig
from face1d_ros.evaluate.asymmetry_faces import mirrored, symmetric
from face1d_ros.evaluate.smoothing_tracks import synthetic_track
from face1d_ros.geometry.camera_model import Camera
from face1d_ros.stages.mesh import MeshStage
from face1d_ros.stages.smoothing import SmoothingStage
from face1d_ros.synth.noise.model import NoiseModel, load_noise_model
from face1d_ros.synth.sequence import Sequence
from face1d_ros.types import FaceAsymmetry, Side

GRADED, TURNING = "palsy-graded", "mesh"
"""Blocks: palsies of known grade, and heads that turn to either side."""
STRONG = 0.3
"""Weakness from which the side must be named."""
NAMES = {Side.LEFT: "left", Side.RIGHT: "right"}


@dataclass(frozen=True)
class Indexed:
    """What the stage says of a face at the end of a sequence."""

    name: str
    side: str
    """The weak one, `left` or `right`; empty for a face without a palsy."""
    weakness: float
    """0 none, 1 no motion on that side."""
    index: float
    """Overall; NaN where nothing is said."""
    weaker_side: str
    """As the stage names it, `left` or `right`; empty where it names none."""

    @property
    def is_false(self) -> bool:
        """Whether a side is named that is not the weak one."""
        return self.weaker_side not in ("", self.side)


@dataclass(frozen=True)
class AsymmetryFigures:
    """Of all sequences of a test set that tell about asymmetry."""

    spearman: float
    """Rank correlation of index and weakness over the palsies; where nothing is said the index counts as 0."""
    side_accuracy: float
    """Share of the palsies above `STRONG` whose side is named rightly; NaN where there are none."""
    false_sides: int
    """Faces, mirrored ones and symmetric ones among them, of which a side is called weaker that is not."""
    palsies: tuple[Indexed, ...]
    mirrored: tuple[Indexed, ...]
    """The same palsies in a mirror."""
    symmetric: tuple[Indexed, ...]
    """Faces made symmetric, while the head turns to 30° on either side."""


def asymmetry_figures(sequences: Iterable[Sequence], advance: Callable[[], None] = lambda: None) -> AsymmetryFigures:
    """Of the blocks `palsy-graded` and `mesh` of a test set; other sequences are passed over.

    `advance` is called after each sequence that is looked at.
    """
    noise = load_noise_model()
    palsies: list[Indexed] = []
    swapped: list[Indexed] = []
    equal: list[Indexed] = []
    with closing(SmoothingStage(SmoothingConfig())) as smoothing:
        for sequence in sequences:
            block = sequence.name.split("/")[0]
            if block == GRADED:
                palsies.append(indexed(sequence, smoothing))
                swapped.append(indexed(mirrored(sequence), smoothing))
            elif block == TURNING:
                equal.append(_symmetric(sequence, noise, smoothing))
            else:
                continue
            advance()
    return figures_of(palsies, swapped, equal)


def figures_of(palsies: list[Indexed], swapped: list[Indexed], equal: list[Indexed]) -> AsymmetryFigures:
    """From what the stage said."""
    strong = [one.weaker_side == one.side for one in palsies if one.weakness > STRONG]
    index = [0.0 if math.isnan(one.index) else one.index for one in palsies]
    rank = spearmanr([one.weakness for one in palsies], index).statistic if len(palsies) > 1 else math.nan
    return AsymmetryFigures(
        spearman=float(rank),
        side_accuracy=sum(strong) / len(strong) if strong else math.nan,
        false_sides=sum(one.is_false for one in (*palsies, *swapped, *equal)),
        palsies=tuple(palsies),
        mirrored=tuple(swapped),
        symmetric=tuple(equal),
    )


def indexed(sequence: Sequence, smoothing: SmoothingStage) -> Indexed:
    """What is said of a palsy; its weakness is that of the eye, which a graded one has everywhere."""
    palsy = sequence.plan.subject.style.palsy
    side, weakness = (palsy.side, palsy.eye) if palsy is not None else ("", 0.0)
    said = last_said(sequence, smoothing)
    return Indexed(sequence.name, side, weakness, float(said.overall), NAMES.get(said.weaker_side, ""))


def _symmetric(sequence: Sequence, noise: NoiseModel, smoothing: SmoothingStage) -> Indexed:
    said = last_said(symmetric(sequence, noise), smoothing)
    return Indexed(sequence.name, "", 0.0, float(said.overall), NAMES.get(said.weaker_side, ""))


def last_said(sequence: Sequence, smoothing: SmoothingStage) -> FaceAsymmetry:
    """Smoothed as in use, through the true camera; unknown where nothing was ever said."""
    plan = sequence.plan.camera
    smoothing.reset()
    said = FaceAsymmetry()
    with closing(MeshStage(MeshConfig(model="none"))) as stage:
        centre = (plan.centre_x_px, plan.centre_y_px)
        stage.set_camera(Camera(plan.width, plan.height, (plan.focal_px, plan.focal_px), centre))
        for frame in synthetic_track(sequence, sequence.topology).frames:
            smoothed = smoothing.process(frame)
            faces = () if smoothed is None else stage.process(smoothed).faces
            said = next((face.asymmetry for face in faces if not math.isnan(face.asymmetry.overall)), said)
    return said
