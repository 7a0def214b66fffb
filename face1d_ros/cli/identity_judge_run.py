"""Runs a video or a camera through the stages until a motion is judged."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from face1d_ros.cli.identity_faces import FACE, NS, Looker, View, live, opened, recorded
from face1d_ros.cli.identity_options import counted, tell_expired
from face1d_ros.cli.identity_screen import GUIDE_JUDGED, Shown, bar, live_screen
from face1d_ros.cli.identity_told import (
    EXIT_CODES,
    decision_dict,
    print_decision,
    print_remarks,
    write_json,
)
from face1d_ros.cli.interrupts import Check, interrupted_between_frames
from face1d_ros.config import IdentityConfig
from face1d_ros.errors import GalleryError, RequestRefusedError, SubjectUnknownError
from face1d_ros.gallery.attempts import AttemptLimits
from face1d_ros.sources.base import Source
from face1d_ros.stages.identity import IdentityStage
from face1d_ros.types import Decision, FaceIdentity, FaceLandmarksArray, Subject

LONGEST_S = 3600.0
"""For which a motion is waited for in a recording: for as long as it lasts."""
AGAIN_NS = round(AttemptLimits().pause_s * NS) + NS // 10
"""After a failure, before the next attempt: the gallery pauses for as long."""
FINAL = (Decision.VERIFIED, Decision.LOCKED_OUT, Decision.NOT_ENOUGH_MOTION)
REASON = "identity."
GALLERY_FAILED = "identity.gallery failed"


@dataclass(frozen=True)
class Question:
    """What is to be judged."""

    claim: str
    """A handle; empty: one is searched for."""
    source: str
    is_live: bool
    attempts: int
    image_topic: str = ""


def judge(question: Question, config: IdentityConfig, output: Path | None) -> int:
    """Print the decision, and write it to a file if one is named. The exit code."""
    with ExitStack() as stack:
        check = stack.enter_context(interrupted_between_frames())
        stage = stack.enter_context(closing(IdentityStage(config)))
        asked = _Asked(stage, question, config)
        source = stack.enter_context(opened(question.source, question.image_topic))
        asked.is_endless = source.length is None
        looker = stack.enter_context(closing(Looker(time.time_ns(), stage)))
        stage.set_camera(source.camera)
        view = looker.look(question.source, source, stays=False)
        last = None
        with closing(_decisions(asked, source, view, check)) as decisions:
            for last in decisions:
                asked.tell(last, view)
        if last is None:
            last = asked.nothing()
            asked.tell(last, view)
        print_remarks(view.name, [*view.remarks(source.skipped), *asked.remarks(last)])
        if output is not None:
            told = {"source": question.source, "model": asked.model, **asked.made[-1], "attempts": asked.made}
            write_json(output, told)
    return EXIT_CODES[last.decision]


def _decisions(asked: _Asked, source: Source, view: View, check: Check) -> Generator[FaceIdentity, None, None]:
    """Of as many motions as are allowed, each as it is made."""
    look = _live if asked.question.is_live else _recorded
    with closing(look(asked, source, view, check)) as frames:
        for faces in frames:
            decided = asked.take(faces)
            if decided is not None:
                yield decided
            if asked.is_over:
                return


def _recorded(asked: _Asked, source: Source, view: View, check: Check) -> Generator[FaceLandmarksArray, None, None]:
    with bar(view.name, source.length) as advance:
        for faces in view.faces(recorded(source, check)):
            advance("")
            if faces is not None:
                yield faces
            if asked.gives_up(view):
                return
    for faces in view.rest():
        asked.is_rest = True
        yield faces


def _live(asked: _Asked, source: Source, view: View, check: Check) -> Generator[FaceLandmarksArray, None, None]:
    click.echo(GUIDE_JUDGED)
    with live(source, check) as frames, live_screen(asked.shown) as screen:
        for faces in view.faces(frames):
            if faces is not None:
                yield faces
            screen.refresh()
            if asked.gives_up(view):
                return


class _Asked:
    """Asks the stage about the face, again after a failure while attempts are left."""

    def __init__(self, stage: IdentityStage, question: Question, config: IdentityConfig) -> None:
        """Raises GalleryError, RequestRefusedError where nobody can be compared with."""
        self.question = question
        self.is_endless = question.is_live
        self.made: list[dict[str, Any]] = []
        self.model = ""
        self.has_asked = self.is_over = self.is_rest = False
        self._stage = stage
        self._left = question.attempts
        self._timeout_s = config.judge_timeout_s
        self._refused: RequestRefusedError | None = None
        self._next_ns = self._idle_from_ns = 0
        self._face_is_seen = False
        self._subjects = _candidates(stage, question.claim)

    def take(self, faces: FaceLandmarksArray) -> FaceIdentity | None:
        """The next frame; the decision if one is made with it."""
        result = self._stage.process(faces)
        self.model, stamp_ns = result.info.model, faces.header.stamp_ns
        self._face_is_seen = bool(result.faces)
        if self.has_asked:
            self._idle_from_ns = stamp_ns
        told = result.faces[0] if result.faces else FaceIdentity()
        if self._refused is not None and told.decision is not Decision.LOCKED_OUT:
            raise self._refused
        if (self.has_asked or self._refused is not None) and told.decision is not Decision.UNKNOWN:
            self._left -= 1
            self.has_asked, self._next_ns = False, stamp_ns + AGAIN_NS
            self.is_over = not self._left or told.decision in FINAL
            return told
        if FACE in faces.ended_track_ids:
            self.has_asked = False
        elif result.faces and not self.has_asked and stamp_ns >= self._next_ns:
            self._ask(stamp_ns)
        return None

    def gives_up(self, view: View) -> bool:
        """Whether there was no face for too long, in what has no end of its own."""
        waited_s = (view.now_ns - max(self._idle_from_ns, view.begin_ns)) / NS
        return self.is_endless and not self.has_asked and waited_s > self._timeout_s

    def tell(self, decided: FaceIdentity, view: View) -> None:
        """Print a decision, and keep it."""
        print_decision(decided, view)
        self.made.append(decision_dict(decided, view))

    def nothing(self) -> FaceIdentity:
        """Where no motion was judged. Raises GalleryError where the gallery is why."""
        values = self._stage.diagnostics()
        if GALLERY_FAILED in values:
            raise GalleryError(f"the gallery could not be read: {values.get('notice', 'it can now')}")
        return FaceIdentity(FACE, Decision.NOT_ENOUGH_MOTION, self.question.claim, bool(self.question.claim))

    def remarks(self, last: FaceIdentity) -> list[str]:
        """What the user should know of the judgement."""
        remarks = []
        if self.is_rest and last.judged_to_ns:
            remarks.append("it ends before the face had rested for a second; its last motion was judged as it is")
        if last.decision is Decision.VERIFIED and (face := self._stage.unlooked().get(last.subject)):
            remarks.append(f"judged by motion alone, but enrolled with the appearance of {face}: --appearance-model")
        if last.decision is Decision.NOT_ENOUGH_MOTION:
            values = self._stage.diagnostics().items()
            reasons = [f"{key.removeprefix(REASON)} ({count})" for key, count in values if key.startswith(REASON)]
            remarks.append(f"what was seen: {', '.join(reasons)}" if reasons else "no motion of the face was seen")
        if last.decision is Decision.LOCKED_OUT:
            remarks.append("too many failures; the lock-out is that of this command, and ends with it")
        return remarks

    def shown(self) -> Shown:
        """For the live line."""
        state = "waiting for a motion" if self._face_is_seen else "waiting for a face"
        tried = self.question.attempts - self._left + 1
        return Shown(state, f"attempt {tried} of {self.question.attempts}" if self.question.attempts > 1 else "")

    def _ask(self, stamp_ns: int) -> None:
        timeout_s = 0.0 if self.is_endless else LONGEST_S
        try:
            if self.question.claim:
                self._stage.verify(self.question.claim, FACE, timeout_s)
            else:
                self._check_model(stamp_ns)
                self._stage.identify(FACE, timeout_s)
            self.has_asked = True
        except RequestRefusedError as error:
            self._refused = error

    def _check_model(self, stamp_ns: int) -> None:
        """Nobody but those enrolled with the same model can be identified."""
        if not any(subject.algorithm == self.model for subject in self._subjects):
            others = ", ".join(sorted({subject.algorithm for subject in self._subjects}))
            raise RequestRefusedError(
                f"all {counted(len(self._subjects), 'subject')} were enrolled with {others}, this is {self.model}",
                "enrol them again, or name the model with --model",
            )


def _candidates(stage: IdentityStage, claim: str) -> list[Subject]:
    """Who may be compared with. What has expired is removed first."""
    tell_expired(stage.remove_expired(time.time_ns()))
    subjects = stage.subjects()
    if claim and claim not in {subject.handle for subject in subjects}:
        raise SubjectUnknownError("what was given")  # it may be a name, which is not repeated
    usable = [subject for subject in subjects if not subject.damaged]
    if not claim and not usable:
        problem = "the records of all who are enrolled are damaged" if subjects else "nobody is enrolled"
        raise RequestRefusedError(problem, "enrol somebody with `face1d identity enroll`")
    return usable
