"""How pages look: one style sheet, and the names of its colours for charts.

Light and dark differ in the colours' values alone. Charts name a colour as the style sheet does (`var(--face-1)`), and
the page's script looks it up when it draws. Of the faces' colours the first four are told apart with any kind of
colour blindness; the next four come back to like ones, and are dashed. They have the hues of `drawing.COLOURS`, so that
a face is of one colour in pictures and in charts.
"""

from __future__ import annotations

import zlib
from functools import cache
from importlib import resources

FACE_COLOURS = 8
DASHED_FROM = 4
KNOWN_LABELS = ("neutral", "none", "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")
OTHER_LABELS = 3


@cache
def stylesheet() -> str:
    """The CSS of all pages; nothing in it is loaded from elsewhere."""
    return _resource("style.css")


@cache
def script() -> str:
    """The JavaScript of a report: draws its charts, and shows its pictures large."""
    return _resource("page.js")


def face_colour(track_id: int | None) -> str:
    """Of the lines of a face; None: of what belongs to no face."""
    return "var(--ink)" if track_id is None else f"var(--face-{track_id % FACE_COLOURS})"


def face_band(track_id: int | None) -> str:
    """Of the range behind such a line."""
    return "var(--shade)" if track_id is None else f"var(--band-{track_id % FACE_COLOURS})"


def is_dashed(track_id: int | None) -> bool:
    """Whether a face's lines are dashed, as its colour alone may be taken for another's."""
    return track_id is not None and (track_id - 1) % FACE_COLOURS >= DASHED_FROM


def label_colour(label: str) -> str:
    """Of an expression; unknown ones always get the same of a few further colours."""
    if label in KNOWN_LABELS:
        return f"var(--label-{label})"
    return f"var(--label-other-{zlib.crc32(label.encode()) % OTHER_LABELS})"


def _resource(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
