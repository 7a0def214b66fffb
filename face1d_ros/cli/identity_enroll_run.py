"""Runs videos or a camera through the stages until a motion is enrolled."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field

import click

from face1d_ros.cli.identity_faces import NS, Looker, View, live, opened, recorded
from face1d_ros.cli.identity_options import counted, date_text, places, same_place, tell_expired
from face1d_ros.cli.identity_screen import GUIDE_ENROLLED, Shown, bar, live_screen
from face1d_ros.cli.identity_told import print_remarks
from face1d_ros.cli.interrupts import Check, interrupted_between_frames
from face1d_ros.config import IdentityConfig
from face1d_ros.errors import RequestRefusedError, SubjectUnknownError
from face1d_ros.sources.base import Source
from face1d_ros.stages.identity import IdentityStage
from face1d_ros.stages.identity_enrolment import MOVE, Enrolment, EnrolState, Outcome
from face1d_ros.stages.identity_wishes import LONGEST_S, Wish
from face1d_ros.types import FaceLandmarksArray, Subject

STATES = {
    EnrolState.WAITING_FOR_FACE: "waiting for a face",
    EnrolState.WAITING_FOR_MOTION: "waiting for the motion",
    EnrolState.RECORDING: "recording",
    EnrolState.COMPARING: "comparing",
}
MOST_HINTS = 5
"""Of a recording, that are told."""


@dataclass(frozen=True)
class Wanted:
    """Who is to be enrolled, from what."""

    sources: Sequence[str]
    is_live: bool
    subject: str
    consent_text: str = field(repr=False)
    expires_after_s: int
    image_topic: str = ""


def enrol(wanted: Wanted, config: IdentityConfig) -> None:
    """Enrol and print the handle. Raises RequestRefusedError where it is refused; then nothing was stored."""
    with ExitStack() as stack:
        check = stack.enter_context(interrupted_between_frames())
        stack.enter_context(_nothing_stored_if_interrupted())
        stage = stack.enter_context(closing(IdentityStage(config)))
        _remove_expired(stage, wanted.subject)
        is_endless = _check_sources(wanted)
        is_timed = wanted.is_live or is_endless
        wish = Wish(
            consent=True,
            consent_text=wanted.consent_text,
            subject=wanted.subject,
            timeout_s=0.0 if is_timed else LONGEST_S,
            expires_after_ns=wanted.expires_after_s * NS,
        )
        enrolment = stage.enrol(wish)
        looker = stack.enter_context(closing(Looker(time.time_ns(), stage)))
        for name in wanted.sources:
            _look(stage, enrolment, looker, name, wanted, check)
            if enrolment.is_complete or enrolment.outcome is not None:
                break
        check()
        outcome = _stored(stage, enrolment, "begin anew" if wanted.is_live else "give more videos, or a longer one")
        if not outcome.success:
            raise RequestRefusedError("nothing was stored", outcome.message)
        (subject,) = (one for one in stage.subjects() if one.handle == outcome.subject)
    _tell(outcome, subject, "added to" if wanted.subject else "enrolled", config)


def _look(stage: IdentityStage, enrolment: Enrolment, looker: Looker, name: str, wanted: Wanted, check: Check) -> None:
    """At one source, until all repetitions are captured or it ends."""
    with opened(name, wanted.image_topic) as source:
        stage.set_camera(source.camera)
        view = looker.look(name, source, stays=not wanted.is_live)
        hints = _Hints(enrolment, view)
        look = _live if wanted.is_live else _recorded
        with closing(look(enrolment, source, view, check)) as frames:
            for faces in frames:
                stage.process(faces)
                hints.note(faces.header.stamp_ns)
                if enrolment.is_complete or enrolment.outcome is not None:
                    break
        if not wanted.is_live:
            click.echo(f"{name}: {counted(hints.taken, 'repetition')} taken, {_captured(enrolment)} so far")
            print_remarks(name, [*view.remarks(source.skipped), *hints.told()])


def _recorded(
    enrolment: Enrolment, source: Source, view: View, check: Check
) -> Generator[FaceLandmarksArray, None, None]:
    with bar(view.name, source.length) as advance:
        for faces in view.faces(recorded(source, check)):
            advance(_captured(enrolment))
            if faces is not None:
                yield faces
    if enrolment.progress.state is EnrolState.RECORDING:
        print_remarks(view.name, ["it ends before the face had rested for a second; its last motion is taken as it is"])
    yield from view.rest()


def _live(enrolment: Enrolment, source: Source, view: View, check: Check) -> Generator[FaceLandmarksArray, None, None]:
    def shown() -> Shown:
        progress = enrolment.progress
        return Shown(STATES[progress.state], f"captured {_captured(enrolment)}", progress.quality, progress.hint)

    click.echo(GUIDE_ENROLLED)
    with live(source, check) as frames, live_screen(shown) as screen:
        for faces in view.faces(frames):
            if faces is not None:
                yield faces
            screen.refresh()


class _Hints:
    """What a recording could have done better, and when."""

    def __init__(self, enrolment: Enrolment, view: View) -> None:
        self._enrolment, self._view = enrolment, view
        self._had = enrolment.progress.captured
        self._before = enrolment.progress.hint
        self._told: list[str] = []
        self._counts: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        """Repetitions of this recording."""
        return max(self._enrolment.progress.captured - self._had, 0)

    def note(self, stamp_ns: int) -> None:
        """After each frame."""
        hint, before = self._enrolment.progress.hint, self._before
        self._before = hint
        if hint and hint not in (before, MOVE):
            self._told.append(f"at {self._view.seconds(stamp_ns):.1f} s: {hint}")

    def told(self) -> list[str]:
        """All of them, or the first ones and how many more."""
        more = len(self._told) - MOST_HINTS
        return self._told[:MOST_HINTS] + ([f"and {counted(more, 'more hint')}"] if more > 0 else [])


def _stored(stage: IdentityStage, enrolment: Enrolment, what_to_do: str) -> Outcome:
    """How it ended, now that no frame follows."""
    if enrolment.outcome is None and not enrolment.is_complete:
        todo = enrolment.progress.hint or what_to_do
        stage.cancel(enrolment, f"{_captured(enrolment)} repetitions were found", todo)
    return stage.store(enrolment)


def _captured(enrolment: Enrolment) -> str:
    return f"{enrolment.progress.captured} of {enrolment.progress.repetitions}"


def _tell(outcome: Outcome, subject: Subject, verb: str, config: IdentityConfig) -> None:
    folder, key = places(config)
    click.echo(
        click.style(verb, fg="green", bold=True)
        + f"  subject {subject.handle}  {counted(outcome.templates, 'template')}  quality {outcome.quality:.0%}"
    )
    if subject.expires_ns:
        click.echo(f"expires {date_text(subject.expires_ns)}")
    click.echo(f"the gallery is in {folder}, its key in {key.place}")
    click.echo(f"to remove the subject for good: face1d identity forget {subject.handle}{same_place(config)}")


def _check_sources(wanted: Wanted) -> bool:
    """Before minutes are spent on the first ones. Whether one of them has no end. Raises SourceError."""
    lengths = []
    for name in wanted.sources:
        with opened(name, wanted.image_topic) as source:
            lengths.append(source.length)
    return None in lengths


def _remove_expired(stage: IdentityStage, subject: str) -> None:
    tell_expired(stage.remove_expired(time.time_ns()))
    if subject and subject not in {one.handle for one in stage.subjects()}:
        raise SubjectUnknownError("what was given")  # it may be a name, which is not repeated


@contextmanager
def _nothing_stored_if_interrupted() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        click.echo("interrupted: nothing was stored", err=True)
        raise
