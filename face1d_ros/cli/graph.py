"""`face1d graph`: the nodes and topics, as text or as a picture."""

from __future__ import annotations

from pathlib import Path

import click

from face1d_ros.cli.graph_picture import svg
from face1d_ros.graph import NODES


@click.command("graph")
@click.option("--svg", "picture", type=click.Path(dir_okay=False), help="Write a picture instead of text.")
def command(picture: str | None) -> None:
    """Show the nodes of the graph and the topics between them."""
    if picture:
        Path(picture).write_text(svg(NODES), encoding="utf-8")
        click.echo(f"wrote {picture}")
        return
    for node in NODES:
        click.echo(click.style(node.name, bold=True) + f"  {node.description}")
        for sign, topics in (("<-", node.subscribes), ("->", node.publishes)):
            for topic in topics:
                click.echo(f"  {sign} {topic.name}  {click.style(topic.type, dim=True)}")
