"""What `face1d identity` shows while it looks: a bar for recordings, a line of guidance before a camera."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from face1d_ros.cli.screen import Screen, make_screen

GUIDE_ENROLLED = (
    "Look at the camera and rest. Then make the motion of your choice with your face, half a second to six seconds "
    "long,\nthe head still, and rest for a second. Repeat it in the same way until all repetitions are captured. "
    "Ctrl-C ends."
)
GUIDE_JUDGED = "Look at the camera and rest. Then make your motion once, and rest again. Ctrl-C ends."


@dataclass(frozen=True)
class Shown:
    """What is going on."""

    state: str
    captured: str = ""
    quality: float = math.nan
    hint: str = ""

    @property
    def line(self) -> str:
        """All of it."""
        quality = "" if math.isnan(self.quality) else f"quality {self.quality:.0%}"
        return "   ".join(filter(None, (self.state, self.captured, quality, self.hint and f"→ {self.hint}")))


def live_screen(shown: Callable[[], Shown]) -> Screen:
    """A line that is written anew in place; on no terminal, one now and then."""
    return make_screen(lambda: _drawn(shown()), lambda: shown().line)


@contextmanager
def bar(name: str, length: int | None) -> Iterator[Callable[[str], None]]:
    """How far a recording is; call what it gives for each frame, with what came of it so far."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(name, total=length)
        yield lambda found: progress.update(task, advance=1, description=f"{name}  {found}".rstrip())


def _drawn(shown: Shown) -> Text:
    text = Text(shown.state, style="bold")
    if shown.captured:
        text.append(f"   {shown.captured}", style="cyan")
    if not math.isnan(shown.quality):
        text.append(f"   quality {shown.quality:.0%}", style="dim")
    if shown.hint:
        text.append(f"   → {shown.hint}", style="yellow")
    return text
