"""Pictures of interesting moments, small ones in a grid, each large on demand."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from face1d_ros.replay.report.content import Moment
from face1d_ros.replay.report.markup import Markup, clock, text

REGULAR = "regular"
"""Of pictures whose time says all."""
LARGE = (
    '<dialog aria-label="Picture">'
    '<img alt="" src="data:,"><form method="dialog"><output></output><button autofocus>Close</button></form></dialog>'
)


def contact_sheet(moments: Sequence[Moment]) -> Markup:
    """The pictures in the order of their times, and the place where one is shown large."""
    in_order = sorted(moments, key=lambda moment: moment.t_s)
    return f'<ul class="pictures">{"".join(map(_picture, in_order))}</ul>{LARGE}'


def data_address(jpeg: bytes) -> str:
    """A picture as an address that holds it."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")


def _picture(moment: Moment) -> Markup:
    time = text(clock(moment.t_s))
    words = f"{text(moment.caption)}, at {time}"
    caption = "" if moment.kind == REGULAR else f" {text(moment.caption)}"
    image = f'<img src="{data_address(moment.jpeg)}" alt="{words}">'
    picture = f'<button type="button" aria-label="Show large: {words}">{image}</button>' if moment.jpeg else ""
    return f"<li>{picture}<p><time>{time}</time>{caption}</p></li>"
