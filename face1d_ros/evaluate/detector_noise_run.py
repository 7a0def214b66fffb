"""The whole measurement of the detector's errors, condition by condition."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from face1d_ros.evaluate.detector_noise import Condition, NoiseJudge, Track
from face1d_ros.evaluate.detector_noise_conditions import covers, expressions, factors, grid
from face1d_ros.evaluate.detector_noise_people import People, measure_people


@dataclass(frozen=True, eq=False)
class Measured:
    """Everything that a noise model is fitted to."""

    model: str
    """What found the faces, in a few words."""
    grid: list[Track]
    factors: dict[str, list[Track]]
    all_expressions: Track
    demo: Track
    clear: Track
    covers: dict[str, list[Track]]
    people: People

    def tracks(self) -> Iterable[Track]:
        """All that were measured on the portrait."""
        for tracks in (self.grid, *self.factors.values(), [self.all_expressions, self.demo, self.clear]):
            yield from tracks
        for tracks in self.covers.values():
            yield from tracks


def frames_to_measure() -> int:
    """Of the portrait, for a progress bar."""
    kinds = (grid(), *factors().values(), expressions(), *covers().values())
    return sum(condition.frames for kind in kinds for condition in kind)


def measure(videos: Path | None, advance: Callable[[int], None]) -> Measured:
    """Everything; `advance` is told how many frames are done."""
    judge = NoiseJudge()

    def tracks(conditions: Iterable[Condition]) -> list[Track]:
        found = []
        for condition in conditions:
            found.append(judge.track(condition))
            advance(condition.frames)
        return found

    try:
        people = measure_people(judge, videos)
        all_expressions, demo = tracks(expressions())
        hidden = {name: tracks(conditions) for name, conditions in covers().items()}
        return Measured(
            model=judge.model,
            grid=tracks(grid()),
            factors={name: tracks(conditions) for name, conditions in factors().items()},
            all_expressions=all_expressions,
            demo=demo,
            clear=hidden.pop("")[0],
            covers=hidden,
            people=people,
        )
    finally:
        judge.close()
