"""run.json: what was replayed into a folder, how, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from face1d_ros.errors import RecordingError
from face1d_ros.replay.json_file import read_json, write_json

if TYPE_CHECKING:
    from face1d_ros.replay.job import Job, Outcome
    from face1d_ros.replay.report.content import Run

FILE = "run.json"
FORMAT = 1


@dataclass(frozen=True)
class RunFile:
    """As it is written."""

    state: str
    """`running`, `done`, `stopped` or `failed`."""
    job: Mapping[str, Any]
    """The `Job`, as it was given last."""
    fingerprint: Mapping[str, Any]
    """What the results depend on."""
    outcome: Mapping[str, Any] | None = None
    """The `Outcome`; None until there is one."""
    run: Mapping[str, Any] | None = None
    """The report's `Run`; None until every frame was worked through."""

    @property
    def is_worked_through(self) -> bool:
        """Whether the results are complete, with or without a report."""
        return self.run is not None

    def save(self, folder: Path) -> None:
        """In place of what was there. Raises RecordingError."""
        write_json(folder / FILE, {"format": FORMAT, **asdict(self)})

    def ended(self, outcome: Outcome) -> RunFile:
        """With what came of it."""
        return replace(self, state=outcome.state, outcome=asdict(outcome))


def load_run_file(folder: Path) -> RunFile | None:
    """None where no replay has written one. Raises RecordingError for one that cannot be used."""
    path = folder / FILE
    found = read_json(path)
    if found is None:
        if not path.exists():
            return None
        raise RecordingError(f"{path} is no JSON file of a replay; replace what was made there with --anew")
    if found.pop("format", None) != FORMAT or not {"state", "job", "fingerprint"} <= found.keys():
        raise RecordingError(f"{path} is of another version; replace what was made there with --anew")
    known = {each.name for each in fields(RunFile)}
    return RunFile(**{key: value for key, value in found.items() if key in known})


def load_run(folder: Path) -> Run | None:
    """What the report says of the run; None where a replay has not got so far there."""
    found = load_run_file(folder)
    return None if found is None or found.run is None else as_run(found.run)


def as_run(values: Mapping[str, Any]) -> Run:
    """The `Run` of plain JSON values."""
    from face1d_ros.replay.report.content import Run

    return Run(**{**values, "damage": tuple(values["damage"])})


def begun(job: Job, fingerprint: Mapping[str, Any]) -> RunFile:
    """Of a job that is about to run."""
    return RunFile("running", asdict(job), fingerprint)
