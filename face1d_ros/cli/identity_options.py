"""What all of `face1d identity` has in common: where gallery and key are, and questions before what is final."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from face1d_ros.config import IdentityConfig
    from face1d_ros.gallery.gallery import Gallery
    from face1d_ros.gallery.keys import KeySource

Function = TypeVar("Function", bound=Callable[..., Any])
KEYS = {"auto": "auto", "env": "environment", "keyring": "keyring"}
"""What the user says, and what the setting `key` says."""
UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
LONGEST_S = 100 * 365 * UNITS_S["d"]
_SECOND_NS = 1_000_000_000
_UNIT_NAMES = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))


class Span(click.ParamType):
    """A time such as 365d, 12h or 30m, in seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Seconds, from 1."""
        found = re.fullmatch(r"(\d{1,12})([smhdw])", str(value).strip())
        seconds = int(found[1]) * UNITS_S[found[2]] if found else 0
        if not 1 <= seconds <= LONGEST_S:
            self.fail(f"{value!r} is no time; expected a number and a unit, such as 365d, 12h, 30m or 45s", param, ctx)
        return seconds


def gallery_options(function: Function) -> Function:
    """--gallery, --key-file and --key, as the arguments `gallery`, `key_file` and `key`."""
    for option in (
        click.option(
            "--key",
            type=click.Choice(list(KEYS)),
            help="Where the key is instead: in FACE1D_GALLERY_KEY, or in the system's keyring.",
        ),
        click.option(
            "--key-file",
            type=click.Path(dir_okay=False, path_type=Path),
            help="File with the gallery's key.  [default: face1d/gallery.key in your folder of settings, or "
            "FACE1D_GALLERY_KEY where that is set]",
        ),
        click.option(
            "--gallery",
            type=click.Path(file_okay=False, path_type=Path),
            help="Folder of the enrolled.  [default: face1d/gallery in your data folder]",
        ),
    ):
        function = option(function)
    return function


def stage_options(function: Function) -> Function:
    """For those commands that look at faces, beside `gallery_options`: --model, --engine, --image-topic, and what looks
    at the face itself.
    """
    for option in (
        click.option("--features-model", help="Folder of the bundle whose features --model reads, if it reads any."),
        click.option(
            "--appearance-aggregator", help="What joins the views of a face: 'mean', or a bundle.  [default: mean]"
        ),
        click.option(
            "--appearance-false-match-rate",
            type=click.FloatRange(1e-9, 0.5),
            help="How often somebody else's face may pass.  [default: 0.001]",
        ),
        click.option(
            "--appearance-model",
            help="Folder of a bundle that tells faces apart: look at the face, too.  [default: motion only]",
        ),
        click.option("--image-topic", default="", help="Of a bag that has several."),
        click.option(
            "--engine", type=click.Choice(("auto", "onnxruntime", "tensorrt")), default="auto", help="What runs it."
        ),
        click.option(
            "--model",
            default="auto",
            show_default=True,
            help="Encoder of motions: the shipped one, a name or a folder.",
        ),
    ):
        function = option(function)
    return gallery_options(function)


def key_text(key_file: Path | None, key: str | None) -> str:
    """As the setting `key` has it."""
    if key_file is not None and key is not None:
        raise click.UsageError("--key-file and --key exclude each other")
    return str(key_file.absolute()) if key_file is not None else KEYS[key or "auto"]


def identity_config(given: dict[str, Any]) -> IdentityConfig:
    """From what `stage_options` and options of the same names as settings gave; None is what was not said."""
    from face1d_ros.config import IdentityConfig, build

    key = key_text(given.pop("key_file"), given.pop("key"))
    gallery = given.pop("gallery")
    said = {name: value for name, value in given.items() if value is not None}
    folder = str(gallery.absolute()) if gallery is not None else ""
    return build(IdentityConfig, {**said, "key": key, "gallery": folder}, IdentityConfig.name)


def places(config: IdentityConfig) -> tuple[Path, KeySource]:
    """Folder and key of the gallery."""
    from face1d_ros.gallery.keys import default_folder, key_source
    from face1d_ros.paths import user_path

    folder = user_path(config.gallery).absolute() if config.gallery else default_folder()
    return folder, key_source(config.key)


def same_place(config: IdentityConfig) -> str:
    """The options that name this gallery and key again, each with a space before it."""
    names = {setting: name for name, setting in KEYS.items()}
    words = ["--gallery", config.gallery] if config.gallery else []
    if config.key not in names:
        words += ["--key-file", config.key]
    elif config.key != "auto":
        words += ["--key", names[config.key]]
    return "".join(f" {shlex.quote(word)}" for word in words)


def existing_gallery(folder: Path, key: KeySource) -> Gallery | None:
    """The gallery there, to look after whoever is in it; None where there is none, which makes none."""
    from face1d_ros.gallery.gallery import Gallery

    try:
        if not any(folder.iterdir()):
            return None
    except FileNotFoundError:
        return None
    gallery = Gallery.open(folder, key, algorithm="none", dimension=1)
    for notice in gallery.notices:
        click.secho(f"gallery: {notice}", fg="yellow", err=True)
    return gallery


def tell_expired(removed: int) -> None:
    """Of subjects that were removed because their time is over."""
    if removed:
        verb = "was" if removed == 1 else "were"
        click.secho(f"{counted(removed, 'subject')} had expired and {verb} removed", fg="yellow", err=True)


def somebody_is_there() -> bool:
    """Whether a question would be answered."""
    return sys.stdin is not None and sys.stdin.isatty()


def confirm(question: str, yes: bool) -> None:
    """Ask before what cannot be undone; refused where nobody can be asked."""
    if yes:
        return
    if not somebody_is_there():
        raise click.UsageError("this cannot be undone, and nobody is here to be asked: add --yes")
    click.confirm(question, abort=True)


def counted(number: int, what: str) -> str:
    """In words: '1 template', '3 templates'."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def span_text(seconds: float) -> str:
    """A time in its largest unit: '3 days'."""
    for name, size in _UNIT_NAMES:
        if seconds >= size:
            return counted(int(seconds // size), name)
    return "0 seconds"


def date_text(stamp_ns: int) -> str:
    """A time of the wall clock, as it is here: '2026-03-01 14:05'."""
    import datetime

    moment = datetime.datetime.fromtimestamp(stamp_ns / _SECOND_NS)
    return moment.strftime("%Y-%m-%d %H:%M")
