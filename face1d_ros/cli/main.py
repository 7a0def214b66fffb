"""The command `face1d`: its subcommands, and the border at which errors become sentences."""

from __future__ import annotations

import sys

import click

from face1d_ros import __version__
from face1d_ros.cli.lazy import LazyGroup
from face1d_ros.errors import Face1dError

COMMANDS = {
    "demo": ("face1d_ros.cli.demo", "Run the graph with a live table and record it."),
    "run": ("face1d_ros.cli.run", "Run the stages in this process, without ROS."),
    "replay": ("face1d_ros.cli.replay", "Replay recordings into results and reports, as fast as possible."),
    "up": ("face1d_ros.cli.up", "Start the nodes and keep them running."),
    "doctor": ("face1d_ros.cli.doctor", "Check this machine and say what to do."),
    "graph": ("face1d_ros.cli.graph", "Show the nodes and topics."),
    "report": ("face1d_ros.cli.report", "Report what a bag of results says; compare two reports."),
    "bench": ("face1d_ros.cli.bench", "Measure speed."),
    "synth": ("face1d_ros.cli.synth", "Make and look at synthetic face motion with exact truth."),
    "mesh": ("face1d_ros.cli.mesh", "Decode 3D coefficients into vertices, files and pictures."),
    "evaluate": ("face1d_ros.cli.evaluate", "Measure accuracy and robustness."),
    "train": ("face1d_ros.cli.train", "Train a network on synthetic faces."),
    "export": ("face1d_ros.cli.export", "Turn a trained network into a bundle."),
    "models": ("face1d_ros.cli.models", "List the model bundles, verify them, show one."),
    "engine": ("face1d_ros.cli.engine", "Build, verify, list and clear TensorRT engines."),
    "identity": ("face1d_ros.cli.identity", "Enrol people by a motion of their face, and recognise them."),
    "datasets": ("face1d_ros.cli.datasets", "List the real datasets and check one."),
    "docs": ("face1d_ros.cli.docs", "Write the generated pages of docs/."),
}


@click.command(
    cls=LazyGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    help="Facial signals for robots: landmarks and all that follows from them, on ROS 2 topics.",
)
@click.version_option(__version__, prog_name="face1d")
@click.option("--traceback", is_flag=True, help="Show where an error came from.")
def face1d(traceback: bool) -> None:
    """All commands hang below this one; `main` reads its option."""


def main() -> None:
    """Run the command line: errors of ours and of the system become one sentence, Ctrl-C ends quietly."""
    try:
        sys.exit(face1d.main(prog_name="face1d", standalone_mode=False))
    except click.exceptions.Exit as exit_:
        sys.exit(exit_.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (Face1dError, OSError) as error:
        if "--traceback" in sys.argv:
            raise
        click.echo(click.style("error: ", fg="red", bold=True) + _sentence(error), err=True)
        sys.exit(1)


def _sentence(error: Exception) -> str:
    """An error of ours speaks for itself; one of the system gets the name of its file in front."""
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)
