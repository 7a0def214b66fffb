"""`face1d identity enroll`: a motion of a person's choice, from videos or guided before a camera."""

from __future__ import annotations

from typing import Any

import click

from face1d_ros.cli.identity_judge import LIVE_SOURCE
from face1d_ros.cli.identity_options import Span, identity_config, somebody_is_there, stage_options

CONSENT = (
    "I agree that numbers computed from a motion of my face are stored encrypted in this gallery, to recognise me by "
    "that motion, until they expire or I have them removed."
)
CONSENT_WITH_APPEARANCE = (
    "I agree that numbers computed from a motion of my face, and from images of my face itself, are stored encrypted "
    "in this gallery, to recognise me by both, until they expire or I have them removed."
)


@click.command("enroll")
@click.argument("videos", nargs=-1, metavar="[VIDEO]...")
@click.option("--live", "is_live", is_flag=True, help="Look through a camera, and be guided.")
@click.option("--source", default=LIVE_SOURCE, show_default=True, help="What --live looks at, or 'portrait'.")
@click.option("--subject", metavar="HANDLE", default="", help="Add to somebody who is enrolled already.")
@click.option("--consent", metavar="TEXT", help="What the person agreed to; asked for where a terminal is.")
@click.option("--expires", type=Span(), metavar="TIME", help="Remove the subject after 365d, 12h, …  [default: never]")
@click.option("--repetitions", type=click.IntRange(2, 20), help="How often the motion is to be there.  [default: 3]")
@click.option(
    "--timeout", type=click.FloatRange(5.0, 3600.0), help="Seconds for all of it, with --live.  [default: 90]"
)
@stage_options
def enroll(
    videos: tuple[str, ...],
    is_live: bool,
    source: str,
    subject: str,
    consent: str | None,
    expires: int | None,
    timeout: float | None,
    image_topic: str,
    **given: Any,
) -> None:
    """Enrol a motion of a person's face, and print the handle they get.

    Each VIDEO (a video file, an image folder or a bag) shows the motion once or several times, with a second of rest
    before and after each. A motion that is too weak, too short, unlike its repetitions or like another subject's is
    refused. Nothing is stored without consent, and nothing before all repetitions are there.
    """
    if is_live == bool(videos):
        raise click.UsageError("name one VIDEO or more, or say --live")
    config = identity_config({**given, "enrol_timeout_s": timeout})

    from face1d_ros.cli.identity_enroll_run import Wanted, enrol

    wanted = Wanted(
        sources=(source,) if is_live else videos,
        is_live=is_live,
        subject=subject,
        consent_text=_agreed(consent, CONSENT_WITH_APPEARANCE if config.appearance_model else CONSENT),
        expires_after_s=expires or 0,
        image_topic=image_topic,
    )
    enrol(wanted, config)


def _agreed(consent: str | None, text: str) -> str:
    """The text that the person agreed to. Raises ConsentMissingError."""
    from face1d_ros.errors import ConsentMissingError

    if consent is not None:
        if not consent.strip():
            raise ConsentMissingError("the text after --consent is empty")
        return consent
    if not somebody_is_there():
        raise ConsentMissingError("no --consent was given, and nobody is here to be asked")
    click.echo(text)
    if not click.confirm("Does the person agree?"):
        raise ConsentMissingError("the person does not agree")
    return text
