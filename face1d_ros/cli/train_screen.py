"""How a training looks while it runs: a bar with the losses, and a line for each look at the validation data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Callable

    from face1d_ros.train.loop import Progress as Step
    from face1d_ros.train.recipe import Recipe

KEPT = 0.95
"""Of the last loss that is shown, at each step: single steps say little."""


@contextmanager
def screen(recipe: Recipe) -> Iterator[Callable[[Step], None]]:
    """What the loop tells after each step goes here."""
    columns = (
        TextColumn("training"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[losses]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), speed_estimate_period=300.0) as progress:
        task = progress.add_task("", total=recipe.steps, losses="")
        shown: dict[str, float] = {}

        def tell(step: Step) -> None:
            for name, loss in step.losses.items():
                shown[name] = KEPT * shown.get(name, loss) + (1.0 - KEPT) * loss
            losses = "  ".join(f"{name} {loss:.5f}" for name, loss in shown.items() if loss)
            progress.update(task, completed=step.step, losses=losses)
            if step.figures is not None:
                figures = "  ".join(f"{name} {value:.3f}" for name, value in step.figures.items())
                progress.console.print(f"step {step.step}: {figures}")

        yield tell
