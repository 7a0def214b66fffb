"""`face1d docs`: writes the generated pages, and says which are out of date."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from face1d_ros.cli import message_pages
from face1d_ros.cli.graph_picture import svg
from face1d_ros.cli.landmark_picture import write_landmark_picture
from face1d_ros.cli.output_picture import write_output_picture
from face1d_ros.cli.parameter_pages import markdown, parameter_file
from face1d_ros.evaluate import results_page
from face1d_ros.evaluate.results import read
from face1d_ros.graph import NODES

PICTURES: dict[str, Callable[[Path], None]] = {
    "docs/images/landmarks.jpg": write_output_picture,
    "docs/images/topologies.jpg": write_landmark_picture,
}
PAGES: dict[str, Callable[[], str]] = {
    "docs/images/graph.svg": lambda: svg(NODES),
    "docs/messages.md": message_pages.markdown,
    "docs/parameters.md": markdown,
    "config/face1d.yaml": parameter_file,
}
RESULTS, RESULTS_PAGE = "docs/results.json", "docs/results.md"
"""What `face1d evaluate all --page` has measured, and the page that is made from it."""


@click.command("docs")
@click.argument("checkout", type=click.Path(exists=True, file_okay=False), default=".")
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 if a page is out of date.")
@click.option("--pictures", is_flag=True, help="Also write the pictures of real output; they differ in a few pixels.")
def command(checkout: str, check: bool, pictures: bool) -> None:
    """Write the generated pages of a checkout: parameters, messages, results, the picture of the graph."""
    if pictures:
        for name, write in PICTURES.items():
            write(Path(checkout, name))
            click.echo(f"written   {name}")
    stale = 0
    for name, make in _pages(Path(checkout)).items():
        path, text = Path(checkout, name), make()
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            click.echo(f"current   {name}")
        elif check:
            click.echo(f"outdated  {name}")
            stale += 1
        else:
            path.write_text(text, encoding="utf-8")
            click.echo(f"written   {name}")
    sys.exit(1 if stale else 0)


def _pages(checkout: Path) -> dict[str, Callable[[], str]]:
    """All of them; that of results where there are some."""
    if not (checkout / RESULTS).is_file():
        return PAGES
    return {**PAGES, RESULTS_PAGE: lambda: results_page.markdown(read(checkout / RESULTS))}
