"""`face1d graph`: the nodes with their topics, services and actions, as text or as a picture."""

from __future__ import annotations

from pathlib import Path

import click

from face1d_ros.cli.graph_picture import svg
from face1d_ros.graph import NODES


@click.command("graph")
@click.option("--svg", "picture", type=click.Path(dir_okay=False), help="Write a picture instead of text.")
def command(picture: str | None) -> None:
    """Show the nodes of the graph, the topics between them, and the services and actions they offer (<>)."""
    if picture:
        Path(picture).write_text(svg(NODES), encoding="utf-8")
        click.echo(f"wrote {picture}")
        return
    for node in NODES:
        click.echo(click.style(node.name, bold=True) + f"  {node.description}")
        for sign, ends in (("<-", node.subscribes), ("->", node.publishes), ("<>", node.offers)):
            for end in ends:
                click.echo(f"  {sign} {end.name}  {click.style(end.type, dim=True)}")
