"""`face1d identity list`, `forget`, `revoke`, `rotate-key`, `expire`: who is enrolled, and how that ends."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from face1d_ros.cli.identity_options import (
    KEYS,
    confirm,
    counted,
    date_text,
    existing_gallery,
    gallery_options,
    identity_config,
    key_text,
    places,
)

if TYPE_CHECKING:
    from face1d_ros.gallery.gallery import Gallery
    from face1d_ros.types import Subject

YES = click.option("--yes", is_flag=True, help="Do not ask.")


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@gallery_options
def list_(as_json: bool, **given: Any) -> None:
    """List who is enrolled. Handles only: the gallery holds no names."""
    folder, key = places(identity_config(given))
    gallery = existing_gallery(folder, key)
    subjects = gallery.subjects() if gallery is not None else ()
    damage = gallery.damage() if gallery is not None else {}
    faces = gallery.appearances() if gallery is not None else {}
    now_ns = time.time_ns()
    if as_json:
        told = [_as_dict(subject, damage, now_ns, faces) for subject in subjects]
        click.echo(json.dumps({"gallery": str(folder), "subjects": told}, indent=2))
        return
    if not subjects:
        click.echo(
            f"nobody is enrolled in {folder}" if gallery is not None else f"nobody is enrolled: no gallery in {folder}"
        )
        return
    _print_table(subjects, damage, now_ns, faces)
    click.echo(f"{counted(len(subjects), 'subject')} in {folder}, the key in {key.place}")


@click.command("forget")
@click.argument("handle")
@YES
@gallery_options
def forget(handle: str, yes: bool, **given: Any) -> None:
    """Remove the subject HANDLE and all its templates, at once and for good."""
    from face1d_ros.errors import SubjectUnknownError

    gallery, _ = _gallery(given)
    subjects = {subject.handle: subject for subject in gallery.subjects()} if gallery is not None else {}
    if gallery is None or handle not in subjects:
        raise SubjectUnknownError("what was given")  # it may be a name, which is not repeated
    confirm(f"Forget {handle} with {counted(subjects[handle].templates, 'template')}, for good?", yes)
    click.echo(f"forgot {handle}: {counted(gallery.forget(handle), 'template')} removed for good")


@click.command("revoke")
@YES
@gallery_options
def revoke(yes: bool, **given: Any) -> None:
    """Remove everybody, and what their templates were transformed with: no copy of the old gallery is of use."""
    gallery, folder = _gallery(given)
    if gallery is None:
        click.echo(f"nothing to revoke: no gallery in {folder}")
        return
    confirm(f"Forget all {counted(len(gallery.subjects()), 'subject')} in {folder}, for good?", yes)
    click.echo(f"revoked {folder}: {counted(gallery.revoke(), 'subject')} removed, and the transformation is a new one")


@click.command("rotate-key")
@click.option(
    "--new-key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File of the new key; made where it is missing.",
)
@click.option(
    "--new-key", type=click.Choice([key for key in KEYS if key != "auto"]), help="Where the new key is instead."
)
@click.option("--drop-old", is_flag=True, help="With a new key in the same place: do not keep the old keys behind it.")
@YES
@gallery_options
def rotate_key(new_key_file: Path | None, new_key: str | None, drop_old: bool, yes: bool, **given: Any) -> None:
    """Encrypt the gallery under a new key.

    Without --new-key-file and --new-key it is a new one in the same place, which keeps the old keys behind it, for
    backups of the gallery and for other galleries that have them.
    """
    from face1d_ros.gallery.keys import key_source

    moves = new_key_file is not None or new_key is not None
    if moves and drop_old:
        raise click.UsageError("--drop-old is for a new key in the same place; remove the old key yourself")
    target = key_source(key_text(new_key_file, new_key)) if moves else None
    config = identity_config(given)
    folder, key = places(config)
    gallery = existing_gallery(folder, key)
    if gallery is None:
        click.echo(f"no key to rotate: no gallery in {folder}")
        return
    if drop_old:
        confirm("Drop the old keys, so that backups under them can never be read again?", yes)
    gallery.rotate_key(target)
    where = (target or key).place
    click.echo(f"the gallery in {folder} is encrypted under a new key, in {where}")
    if target is not None:
        click.echo(f"name that key from now on; the old one, in {key.place}, opens old backups alone")
    elif drop_old:
        click.echo(f"{counted(gallery.drop_old_keys(), 'old key')} dropped")


@click.command("expire")
@YES
@gallery_options
def expire(yes: bool, **given: Any) -> None:
    """Remove those whose time is over, for good."""
    gallery, folder = _gallery(given)
    now_ns = time.time_ns()
    over = [one.handle for one in gallery.subjects() if 0 < one.expires_ns <= now_ns] if gallery is not None else []
    if gallery is None or not over:
        click.echo(f"nobody in {folder} has expired")
        return
    confirm(f"Forget {', '.join(over)}, for good?", yes)
    for handle in gallery.remove_expired(now_ns):
        click.echo(f"forgot {handle}: expired")


def _gallery(given: dict[str, Any]) -> tuple[Gallery | None, Path]:
    folder, key = places(identity_config(given))
    return existing_gallery(folder, key), folder


def _state(subject: Subject, damage: dict[str, str], now_ns: int) -> str:
    if subject.damaged:
        return f"damaged: {damage.get(subject.handle, 'unreadable')}"
    return "expired" if 0 < subject.expires_ns <= now_ns else "good"


def _as_dict(subject: Subject, damage: dict[str, str], now_ns: int, faces: dict[str, str]) -> dict[str, Any]:
    return {
        "handle": subject.handle,
        "templates": subject.templates,
        "enrolled_ns": subject.enrolled_ns,
        "expires_ns": subject.expires_ns or None,
        "consented_ns": subject.consented_ns,
        "algorithm": subject.algorithm,
        "appearance": faces.get(subject.handle),
        "state": _state(subject, damage, now_ns),
    }


def _print_table(subjects: tuple[Subject, ...], damage: dict[str, str], now_ns: int, faces: dict[str, str]) -> None:
    from rich import box
    from rich.table import Table

    from face1d_ros.cli.tables import wide_console

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    of_faces = ("appearance",) if faces else ()
    for heading in ("handle", "templates", "enrolled", "consent", "expires", "model", *of_faces, "state"):
        table.add_column(heading, no_wrap=heading != "state", justify="right" if heading == "templates" else "left")
    for one in subjects:
        expires = date_text(one.expires_ns) if one.expires_ns else "never"
        times = (date_text(one.enrolled_ns), date_text(one.consented_ns), expires)
        face = (faces.get(one.handle, "motion only"),) if faces else ()
        table.add_row(one.handle, str(one.templates), *times, one.algorithm, *face, _state(one, damage, now_ns))
    wide_console().print(table)
