"""`face1d up`: the graph without `ros2 launch`."""

from __future__ import annotations

import asyncio
import itertools
import sys

import click

from face1d_ros.cli.options import node_options, take_overrides
from face1d_ros.cli.processes import child
from face1d_ros.cli.supervisor import Supervisor
from face1d_ros.graph import STAGES
from face1d_ros.start import MODES, plan

COLOURS = ("cyan", "green", "yellow", "magenta", "blue", "bright_cyan", "bright_green", "bright_yellow")


class Console:
    """Prints lines of several processes, each with the name and colour of its own."""

    def __init__(self, names: list[str]) -> None:
        width = max(map(len, names))
        self._prefix = {
            name: click.style(f"{name:<{width}} | ", fg=colour)
            for name, colour in zip(names, itertools.cycle(COLOURS), strict=False)
        }

    def line(self, name: str, line: str) -> None:
        """What a process printed."""
        click.echo(self._prefix[name] + line)

    def event(self, name: str, text: str) -> None:
        """What happened to a process."""
        click.echo(self._prefix[name] + click.style(text, bold=True))


@click.command("up")
@click.option(
    "--stages",
    metavar="NAMES",
    default="",
    help=f"Stages to start, with commas between, of: {', '.join(stage.stage for stage in STAGES)}. [default: all]",
)
@click.option("--mode", type=click.Choice(MODES), default="graph", help="A process a node, or all stages in one.")
@click.option("--image-topic", default="", metavar="TOPIC", help="Use this existing camera in place of camera_node.")
@click.option("--namespace", default="", metavar="NAME", help="Put all nodes and topics below this name.")
@click.option(
    "--config",
    "parameter_file",
    type=click.Path(exists=True, dir_okay=False),
    help="ROS parameter file (YAML); options on this command line win over it.",
)
@click.option("--use-sim-time", is_flag=True, help="Take the time from /clock.")
@node_options
def command(
    stages: str,
    mode: str,
    image_topic: str,
    namespace: str,
    parameter_file: str | None,
    use_sim_time: bool,
    **options: object,
) -> None:
    """Start the nodes as processes and keep them running until Ctrl-C.

    The same nodes and topics as `ros2 launch face1d_ros face1d.launch.py`. A node that dies is started again.
    """
    starts = plan(
        stages=tuple(filter(None, stages.split(","))),
        mode=mode,
        image_topic=image_topic,
        namespace=namespace,
        parameter_file=parameter_file or "",
        use_sim_time=use_sim_time,
        overrides=take_overrides(options),
    )
    console = Console([start.node.name for start in starts])

    async def run() -> int:
        return await Supervisor([child(start) for start in starts], console.line, console.event).run()

    sys.exit(asyncio.run(run()))
