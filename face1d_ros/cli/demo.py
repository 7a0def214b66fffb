"""`face1d demo`: the main job with nothing to set up. The graph on a source, recorded, with a live table."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console

from face1d_ros.cli.dashboard import Dashboard
from face1d_ros.cli.demo_summary import print_summary
from face1d_ros.cli.options import node_options_without, take_overrides
from face1d_ros.cli.processes import child
from face1d_ros.cli.report import locate, make
from face1d_ros.cli.screen import REFRESH_S, Screen, make_screen
from face1d_ros.cli.supervisor import Supervisor
from face1d_ros.errors import Face1dError, RecordingError
from face1d_ros.graph import CAMERA, CAMERA_INFO, RECORDER, STAGES
from face1d_ros.paths import user_path, utf8_path
from face1d_ros.start import MODES, Start, plan

PORTRAIT_DURATION_S = 20.0
TOPICS = (CAMERA_INFO.name, *(topic.name for stage in STAGES for topic in stage.results), "/diagnostics")


@click.command("demo")
@click.option(
    "--source",
    default="portrait",
    metavar="SOURCE",
    help="'portrait' (built in), a camera such as /dev/video0, a video file, an image folder or a bag. "
    "[default: portrait]",
)
@click.option(
    "--duration",
    type=click.FloatRange(min=0.0),
    metavar="SECONDS",
    help=f"How long; 0: until Ctrl-C. [default: {PORTRAIT_DURATION_S:g} for the portrait, else until the source ends]",
)
@click.option("--bag", metavar="FOLDER", help="Where to record; must not exist. [default: face1d_bags/<time>]")
@click.option("--images", is_flag=True, help="Record the images too (28 MB a second at 640x480, 30 Hz).")
@click.option("--mode", type=click.Choice(MODES), default="graph", help="A process a node, or all stages in one.")
@click.option("--no-report", is_flag=True, help="Leave the report out.")
@node_options_without("camera.source", "camera.end_with_source")
def command(
    source: str,
    duration: float | None,
    bag: str | None,
    images: bool,
    mode: str,
    no_report: bool,
    **options: object,
) -> None:
    """Run every stage on a source, record the results to an MCAP bag, and show what goes over the topics.

    It ends with a report of the bag: a page with the faces, expressions, head pose and latencies over time. Ctrl-C ends
    it early; bag and report are complete then, too.
    """
    if duration is None:
        duration = PORTRAIT_DURATION_S if source == "portrait" else 0.0
    overrides = take_overrides(options)
    overrides.setdefault(CAMERA.name, {}).update(source=source, end_with_source=True)
    utf8_path(source)  # as every ROS parameter has to be
    path, log = _bag_and_log(bag)
    # Nobody else on the network is to see the faces in front of this machine, unless the user has said otherwise.
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    starts = [
        Start(RECORDER, {"path": str(path), "topics": ",".join(TOPICS), "images": images}),
        *plan(mode=mode, overrides=overrides),
    ]
    click.echo(f"Source {source}, recording to {path}")
    with log.open("w", encoding="utf-8") as log_file:
        dashboard = Dashboard(source, duration, log_file)
        screen = make_screen(dashboard.draw, dashboard.status, dashboard.notes)
        code, restarts = asyncio.run(_run(starts, dashboard, screen))
    nothing = print_summary(dashboard, path, log, restarts)
    if not nothing and not no_report:
        _make_report(path, source)
    sys.exit(nothing or code)


def _make_report(bag: Path, source: str) -> None:
    """Beside the bag. What goes wrong with it is said, and changes nothing about the run."""
    from face1d_ros.replay.report.files import HTML

    folder = bag.with_name(f"{bag.name}_report")
    try:
        given = locate(bag)
        given = replace(given, run=replace(given.run, command="face1d demo", source=source))
        with Console(stderr=True).status("making the report"):
            make(given, folder, "none", pictures=True)
    except Face1dError as error:
        click.secho(f"There is no report: {error}", fg="yellow")
    else:
        click.echo(f"Report {folder / HTML}")


def _bag_and_log(given: str | None) -> tuple[Path, Path]:
    """The folder of the bag, which does not exist yet, and the log beside it, which is made here."""
    path = user_path(given) if given else Path("face1d_bags", datetime.now().strftime("%Y%m%d-%H%M%S"))
    path = path.absolute()
    utf8_path(path)
    if path.exists():
        raise RecordingError(f"{path} exists already; choose another folder with --bag")
    log = path.with_name(f"{path.name}.log")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        log.touch(exist_ok=given is not None)
    except FileExistsError as error:  # another demo began in this second
        raise RecordingError(f"{error.filename} exists already; start again, or choose another with --bag") from error
    except OSError as error:
        raise RecordingError(
            f"cannot write to {path.parent}: {error.strerror}; choose another folder with --bag"
        ) from error
    return path, log


async def _run(starts: list[Start], dashboard: Dashboard, screen: Screen) -> tuple[int, int]:
    """Run until the time is over, the source has ended, or Ctrl-C."""
    # A source that cannot be opened ends the demo (one that vanishes later is waited for by its node), and so does
    # a recorder that dies: its bag is there already.
    children = [child(start, restart=start.node not in (CAMERA, RECORDER)) for start in starts]
    supervisor = Supervisor(children, dashboard.line, dashboard.event)
    running = asyncio.create_task(supervisor.run())
    try:
        with screen:
            while not running.done():
                screen.refresh()
                if dashboard.source_ended or dashboard.is_over(time.monotonic()):
                    supervisor.stop()
                await asyncio.wait({running}, timeout=REFRESH_S)
            screen.refresh()
    finally:
        # Also when the screen fails because nobody reads it (`| head`): the recorder has to close its bag.
        supervisor.stop()
        await running
    return running.result(), supervisor.restarts
