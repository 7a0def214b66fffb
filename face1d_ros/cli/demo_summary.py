"""The end of `face1d demo`: what came, who was seen, where the bag is, and what to do if nothing came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import click
from rosbags.highlevel import AnyReader, AnyReaderError

from face1d_ros.cli.dashboard import Dashboard, topic_table
from face1d_ros.cli.screen import Fitting, print_faces, print_left_out
from face1d_ros.cli.tables import wide_console
from face1d_ros.graph import CAMERA, LANDMARKS_RAW

SKIPPED = "skipped."
"""What the source leaves out begins so among the camera's diagnostics."""
DIAGNOSTICS_TYPE = "diagnostic_msgs/msg/DiagnosticArray"


@dataclass
class Seen:
    """What a recorded bag says about faces and nodes."""

    frames: int = 0
    frames_of_track: Counter[int] = field(default_factory=Counter)
    status: dict[str, tuple[int, str]] = field(default_factory=dict)
    """The last word of each node: level (0 is fine) and message."""
    left_out: dict[str, int] = field(default_factory=dict)
    """What the source has left out, by reason."""
    jumps: str = ""
    """How often the source's time has jumped, in words."""


def read_bag(path: Path) -> Seen:
    """Go through the landmarks and diagnostics of a bag. It carries its own message definitions."""
    seen = Seen()
    with AnyReader([path]) as reader:
        for connection, _, data in reader.messages():
            if connection.topic.endswith(f"/{LANDMARKS_RAW.name}"):
                message = reader.deserialize(data, connection.msgtype)
                seen.frames += 1
                seen.frames_of_track.update(int(face.track_id) for face in message.faces)  # type: ignore[attr-defined]
            elif connection.msgtype == DIAGNOSTICS_TYPE:
                message = reader.deserialize(data, connection.msgtype)
                for status in message.status:  # type: ignore[attr-defined]
                    seen.status[status.name] = (int(status.level), status.message)
                    if status.name.rsplit("/", 1)[-1] == CAMERA.name:
                        _take_source(seen, {pair.key: pair.value for pair in status.values})
    return seen


def _take_source(seen: Seen, values: Mapping[str, str]) -> None:
    """What the camera's diagnostics say of its source. Its counts begin again when the node starts again."""
    for key, value in values.items():
        if key.startswith(SKIPPED) and value.isdecimal():
            reason = key.removeprefix(SKIPPED)
            seen.left_out[reason] = max(seen.left_out.get(reason, 0), int(value))
    jumps = values.get("source_time_jumps", "")
    if jumps.isdecimal() and int(jumps):
        seen.jumps = f"the source's time jumped {'once' if jumps == '1' else f'{jumps} times'}"


def print_summary(dashboard: Dashboard, bag: Path, log: Path, restarts: int) -> int:
    """Print it. The exit code: 0 if frames went through the stages."""
    console = wide_console()
    console.print()
    if dashboard.summary is not None:
        console.print(Fitting(topic_table(dashboard.summary["topics"], title="[bold]Over the whole run[/]")))
        console.print()
    seen = _read(bag)
    if seen is not None:
        print_left_out(seen.left_out, seen.jumps)
        print_faces(seen.frames, seen.frames_of_track)
    if restarts:
        times = "once" if restarts == 1 else f"{restarts} times"
        click.secho(f"Nodes were started again {times}; see the log.", fg="yellow")
    if dashboard.bag is not None and seen is not None:
        state = dashboard.bag
        click.echo(f"Bag   {bag}  ({state['messages']} messages, {state['size_bytes'] / 1e6:.1f} MB)")
        if state["error"]:
            click.secho(f"      {state['error']}", fg="red")
    click.echo(f"Log   {log}")
    if seen is not None and seen.frames:
        click.echo(f"Next  ros2 bag play {bag}   or open it in Foxglove")
        return 0
    if seen is not None:
        click.secho("No frame went through the stages.", fg="red", bold=True)
    _print_reasons(dashboard.errors, {} if seen is None else seen.status)
    return 1


def _read(bag: Path) -> Seen | None:
    """What the bag says; None where there is no complete bag, which is said here."""
    if not (bag / "metadata.yaml").is_file():
        click.secho("The recorder did not come to its end: there is no complete bag. The log says why.", fg="red")
        return None
    try:
        return read_bag(bag)
    except (AnyReaderError, OSError) as error:
        click.secho(f"The bag cannot be read back: {error}", fg="red")
        return None


def _print_reasons(errors: Mapping[str, str], status: Mapping[str, tuple[int, str]]) -> None:
    """What the nodes have logged as errors, then what else their diagnostics blame."""
    told = [f"{node}: {text}" for node, text in sorted(errors.items())]
    told += [
        f"{node}: {message}"
        for node, (level, message) in sorted(status.items())
        if level and message not in errors.get(node, "")
    ]
    for line in told:
        click.echo(f"      {line}")
    click.echo("      The log has more; `face1d doctor` checks this machine.")
