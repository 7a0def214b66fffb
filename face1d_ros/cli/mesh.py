"""`face1d mesh`: what the coefficients of face1d/mesh look like."""

from __future__ import annotations

import click

from face1d_ros.cli.lazy import LazyGroup

COMMANDS = {"decode": ("face1d_ros.cli.mesh_decode", "Turn coefficients into vertices, files and pictures.")}


@click.command("mesh", cls=LazyGroup, lazy=COMMANDS)
def command() -> None:
    """Coefficients of 3D faces."""
