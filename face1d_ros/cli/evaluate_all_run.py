"""Runs the measurements of `face1d evaluate all`, each in a process of its own, one after the other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from face1d_ros.cli.evaluate_all_steps import Step, kept, note_of

KEPT, DONE, FAILED = "kept", "done", "failed"
END_S = 10.0
"""Given to a measurement to end after Ctrl-C."""
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """How one measurement went."""

    name: str
    state: str
    """`kept`, `done` or `failed`."""
    seconds: float = 0.0
    reason: str = ""
    """Why it failed."""


def run_steps(steps: Sequence[Step], out: Path, *, anew: bool, console: Console) -> tuple[Outcome, ...]:
    """All of them; one that fails does not keep the others from running."""
    out.mkdir(parents=True, exist_ok=True)
    outcomes = []
    for number, step in enumerate(steps, 1):
        place = f"{number}/{len(steps)} {step.name}"
        if not anew and kept(step, out) is not None:
            outcomes.append(Outcome(step.name, KEPT))
            console.print(f"{place}: kept", highlight=False)
            continue
        with _running(place, console):
            outcome = run_step(step, out)
        outcomes.append(outcome)
        said = f"[red]failed[/] after {_minutes(outcome.seconds)}" if outcome.reason else _minutes(outcome.seconds)
        console.print(f"{place}: {said}", highlight=False)
        if outcome.reason:
            console.print(f"    {outcome.reason}", highlight=False, markup=False)
    return tuple(outcomes)


def run_step(step: Step, out: Path) -> Outcome:
    """One measurement, in a process of its own; what it prints goes to a file beside its JSON."""
    note, written = note_of(step, out), out / f"{step.name}.json"
    for path in (note, written):
        path.unlink(missing_ok=True)
    command = (sys.executable, "-m", "face1d_ros.cli", "evaluate", *step.arguments, "--json", str(written))
    began_s = time.monotonic()
    log = out / f"{step.name}.log"
    with log.open("wb") as file:
        code = _wait(subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=environment()))
    seconds = time.monotonic() - began_s
    if code or not written.is_file():
        return Outcome(step.name, FAILED, seconds, _reason(log, code))
    note.write_text(json.dumps(step.made_of, indent=1) + "\n", encoding="utf-8")
    return Outcome(step.name, DONE, seconds)


def environment() -> dict[str, str]:
    """Of a child, which is to be of this very package, and to write tables as wide as they are."""
    package = str(Path(__file__).absolute().parents[2])
    others = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    return os.environ | {"PYTHONPATH": os.pathsep.join([package, *others]), "PYTHONUTF8": "1"}


def _wait(child: subprocess.Popen[bytes]) -> int:
    """Its exit code. Ctrl-C reaches it, too; then it is waited for, and ended where it does not end."""
    try:
        return child.wait()
    except BaseException:
        try:
            child.wait(END_S)
        except subprocess.TimeoutExpired:
            child.terminate()
            child.wait()
        raise


def _reason(log: Path, code: int) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    said = next((line for line in reversed(lines) if line), "it said nothing")
    return f"{said.removeprefix('error: ')} (exit code {code}; all that it said: {log})"


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d} min"


@contextmanager
def _running(place: str, console: Console) -> Iterator[None]:
    """Shows that and for how long something runs; a line where the output is no terminal."""
    if not console.is_terminal:
        console.print(f"{place} …", highlight=False)
        yield
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        progress.add_task(place, total=None)
        yield
