"""`face1d identity verify` and `identify`: whether the motion in a video, or before a camera, is an enrolled one."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from face1d_ros.cli.identity_options import Function, identity_config, stage_options

LIVE_SOURCE = "/dev/video0"


def _writable(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    """Asked before the work, not after it."""
    if path is not None and not os.access(path.absolute().parent, os.W_OK):
        raise click.BadParameter(f"no file can be written in '{path.absolute().parent}'")
    return path


def judge_options(function: Function) -> Function:
    """VIDEO or --live, and all that verify and identify share."""
    for option in (
        click.option(
            "--json",
            "output",
            type=click.Path(dir_okay=False, path_type=Path),
            callback=_writable,
            help="Write the decision to this file.",
        ),
        click.option(
            "--timeout",
            type=click.FloatRange(1.0, 600.0),
            help="Seconds in which a motion must begin, with --live.  [default: 10]",
        ),
        click.option(
            "--attempts",
            type=click.IntRange(1, 100),
            default=1,
            show_default=True,
            help="Motions that are judged, one after the other, until one is right.",
        ),
        click.option(
            "--false-match-rate",
            type=click.FloatRange(1e-6, 0.5),
            help="How often somebody else's motion may pass.  [default: 0.01]",
        ),
        click.option("--source", default=LIVE_SOURCE, show_default=True, help="What --live looks at, or 'portrait'."),
        click.option("--live", is_flag=True, help="Look through a camera, and be guided."),
        click.argument("video", required=False),
    ):
        function = option(function)
    return stage_options(function)


@click.command("verify")
@click.option("--subject", metavar="HANDLE", required=True, help="Who it is said to be.")
@judge_options
def verify(subject: str, **given: Any) -> None:
    """Judge whether the motion in VIDEO is that of one subject.

    VIDEO is a video file, an image folder or a bag. The first motion that is long and strong enough is judged. Ends
    with 0 verified, 3 rejected, 4 not enough motion, 5 locked out, 1 any error.
    """
    if not subject:  # an unset variable of a script must not turn this into identification
        raise click.UsageError("--subject is empty; give the handle of who it is said to be")
    _judge(subject, given)


@click.command("identify")
@judge_options
def identify(**given: Any) -> None:
    """Judge whose motion it is that VIDEO shows, of all who are enrolled.

    VIDEO is a video file, an image folder or a bag. The first motion that is long and strong enough is judged. Ends
    with 0 somebody, 3 nobody, 4 not enough motion, 5 locked out, 1 any error.
    """
    _judge("", given)


def _judge(claim: str, given: dict[str, Any]) -> None:
    video, is_live, source = given.pop("video"), given.pop("live"), given.pop("source")
    if is_live == (video is not None):
        raise click.UsageError("name a VIDEO, or say --live")
    output, attempts = given.pop("output"), given.pop("attempts")
    given["judge_timeout_s"] = given.pop("timeout")

    from face1d_ros.cli.identity_judge_run import Question, judge

    question = Question(claim, source if is_live else video, is_live, attempts, given.pop("image_topic"))
    sys.exit(judge(question, identity_config(given), output))
