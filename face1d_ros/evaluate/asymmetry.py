"""The asymmetry index of the mesh stage against weakness that is known, on landmarks as the graph smooths them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from face1d_ros.synth.sequence import Sequence


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


@dataclass(frozen=True)
class AsymmetryFigures:
    """Of all sequences of a test set that tell about asymmetry."""

    spearman: float
    """Rank correlation of index and weakness over the palsies."""
    side_accuracy: float
    """Share of the palsies above `STRONG` whose side is named rightly."""
    false_sides: int
    """Symmetric faces whose one side is called weaker, and weaker sides that the mirrored face does not swap."""
    palsies: tuple[Indexed, ...]
    symmetric: tuple[Indexed, ...]


def asymmetry_figures(sequences: Iterable[Sequence], advance: Callable[[], None] = lambda: None) -> AsymmetryFigures:
    """Of the blocks of a test set that tell about asymmetry; other sequences are passed over.

    `advance` is called after each sequence.
    """
    raise NotImplementedError
