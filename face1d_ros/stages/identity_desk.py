"""What the identity stage is asked for, in any thread: to judge, to enrol, to list and to forget."""

from __future__ import annotations

import math
import threading
from collections import Counter
from typing import TYPE_CHECKING

from face1d_ros.config import IdentityConfig
from face1d_ros.errors import GalleryError, InvalidValueError, RequestRefusedError
from face1d_ros.gallery.records import Consent
from face1d_ros.stages.identity_enrolment import Enrolment, Outcome
from face1d_ros.stages.identity_gallery import IdentityGallery
from face1d_ros.stages.identity_judge import Judge
from face1d_ros.stages.identity_model import EncoderRunner, make_runner
from face1d_ros.stages.identity_requests import NS, Decisions, Request
from face1d_ros.stages.identity_wishes import Wish, checked_timeout_s, checked_wish
from face1d_ros.stages.smoothing_input import size_px
from face1d_ros.types import Decision, FaceIdentity, FaceLandmarks, Subject

if TYPE_CHECKING:
    from face1d_ros.stages.appearance import Onlooker

SHOW_FACE = "have the person look at the camera"


class IdentityDesk:
    """Takes requests, and holds what is known of the newest frame. The stage goes on with them frame by frame."""

    def __init__(self, config: IdentityConfig) -> None:
        """Loads the models. Raises InvalidValueError for what cannot be had, or was not measured at the wanted rate."""
        self._config = config
        self._counts: Counter[str] = Counter()
        self._onlooker: Onlooker | None = None
        self._runner, self._notice = make_runner(config.model, config.engine)
        algorithm, dimension = (self._runner.model, self._runner.dimension) if self._runner else ("none", 1)
        try:
            self._onlooker = _onlooker(config, self._runner, self._counts)
            onlooker = self._onlooker
            appearance = onlooker.algorithm if onlooker is not None else ""
            self._gallery = IdentityGallery(config.gallery, config.key, algorithm, dimension, appearance)
            threshold = onlooker.threshold if onlooker is not None else None
            self._judge = Judge(config, self._runner, self._gallery, self._counts, threshold)
        except BaseException:
            self.close()
            raise
        self._lock = threading.RLock()
        self._stamp_ns: int | None = None
        self._faces: dict[int, FaceLandmarks] = {}
        self._requests: dict[int, Request] = {}
        self._decisions = Decisions()
        self._enrolment: Enrolment | None = None

    def close(self) -> None:
        """Free the models."""
        for one in (self._runner, self._onlooker):
            if one is not None:
                one.close()

    @property
    def newest_ns(self) -> int | None:
        """Stamp of the newest frame; None: there was none."""
        return self._stamp_ns

    def verify(self, subject: str, track_id: int = 0, timeout_s: float = 0.0) -> int:
        """Judge a face's next motion against one subject; returns the track. Raises RequestRefusedError, GalleryError.

        track_id 0 is the largest face, timeout_s 0 what the configuration says.
        """
        self._need_model()
        self._gallery.check_claim(subject, self._stamp_ns or 0)
        return self._ask(subject, track_id, timeout_s)

    def identify(self, track_id: int = 0, timeout_s: float = 0.0) -> int:
        """As `verify`, against all subjects."""
        self._need_model()
        self._gallery.check_anybody(self._stamp_ns or 0)
        return self._ask("", track_id, timeout_s)

    def enrol(self, wish: Wish) -> Enrolment:
        """Begin an enrolment, one at a time. Raises RequestRefusedError, GalleryError.

        Once its progress says COMPARING it is to be stored, by a thread that has time for that.
        """
        self._need_model()
        wish = checked_wish(wish, self._config)
        if wish.subject:
            self._gallery.check_addition(wish.subject, self._stamp_ns or 0)
        if refused_s := self._judge.refused_s("", self._stamp_ns or 0):
            raise too_many_failures(refused_s)
        self._gallery.make_ready()
        with self._lock:
            if self._enrolment is not None:
                raise RequestRefusedError("another enrolment is going on", "wait for its end, or cancel it")
            rule = self._judge.rule
            self._enrolment = Enrolment(wish, rule.threshold, rule.appearance_threshold)
            return self._enrolment

    def store(self, enrolment: Enrolment) -> Outcome:
        """Store an enrolment that has come so far, all at once. Takes the time of writing to the disk."""
        with self._lock:
            if enrolment.outcome is not None:
                return enrolment.outcome
            if enrolment is not self._enrolment or not enrolment.is_complete or self._stamp_ns is None:
                raise RequestRefusedError("the repetitions are not captured yet", "go on with the enrolment")
            self._enrolment = None
            templates, quality, wish, now_ns = enrolment.templates, enrolment.quality, enrolment.wish, self._stamp_ns
            appearances = enrolment.appearances
        consent = Consent(wish.consent_text, enrolment.began_ns or now_ns)
        expires_ns = now_ns + wish.expires_after_ns if wish.expires_after_ns else 0
        try:
            handle = self._gallery.store(templates, consent, now_ns, expires_ns, wish.subject, appearances)
        except GalleryError as error:
            return enrolment.end(Outcome(False, str(error)))
        return enrolment.end(Outcome(True, "", handle, len(templates), quality))

    def cancel(self, enrolment: Enrolment, problem: str, what_to_do: str) -> bool:
        """End an enrolment of which nothing is stored yet; False: it has ended, or is being stored."""
        with self._lock:
            if enrolment is not self._enrolment:
                return False
            self._end_enrolment(problem, what_to_do)
            return True

    def subjects(self) -> tuple[Subject, ...]:
        """Who is enrolled. Raises GalleryError."""
        return self._gallery.subjects()

    def unlooked(self) -> dict[str, str]:
        """Who was enrolled with an appearance that is not looked at here, and by which model. Raises GalleryError."""
        return self._gallery.unlooked()

    def forget(self, handle: str) -> int:
        """Remove a subject at once; returns how many templates went. Raises RequestRefusedError, GalleryError."""
        try:
            return self._gallery.forget(handle)
        finally:
            with self._lock:
                self._requests = {key: one for key, one in self._requests.items() if one.claim != handle}
                self._decisions.drop_subject(handle)
                if self._enrolment is not None and self._enrolment.wish.subject == handle:
                    self._end_enrolment("the subject was forgotten", "enrol a new one")

    def revoke(self) -> int:
        """Remove everybody, and what templates were transformed with; returns how many. Raises GalleryError."""
        try:
            return self._gallery.revoke()
        finally:
            with self._lock:
                self._end_requests("the gallery was revoked")

    def remove_expired(self, now_ns: int) -> int:
        """Remove those whose time is over; returns how many. Raises GalleryError."""
        return len(self._gallery.remove_expired(now_ns))

    def _need_model(self) -> None:
        if self._runner is None:
            raise RequestRefusedError(self._notice, "name one in the parameter `model`")

    def _ask(self, claim: str, track_id: int, timeout_s: float) -> int:
        with self._lock:
            stamp_ns, chosen = self._stamp_ns, self._chosen_face(track_id)
            if stamp_ns is None or not chosen:
                wanted = f"face {track_id} is not seen" if track_id else "no face is seen"
                seen = ", ".join(map(str, self._faces)) or "none"
                raise RequestRefusedError(f"{wanted} (in view: {seen})", SHOW_FACE)
            if self._enrolment is not None and self._enrolment.track_id == chosen:
                raise RequestRefusedError("this face is being enrolled", "wait for the end of that, or cancel it")
            request = Request(chosen, claim, stamp_ns + round(checked_timeout_s(timeout_s, self._config) * NS))
            if refused_s := self._judge.refused_s(claim, stamp_ns):
                self._decide(request.told(Decision.LOCKED_OUT), stamp_ns)
                raise too_many_failures(refused_s)
            self._decisions.drop([chosen])
            self._requests[chosen] = request
            return chosen

    def _chosen_face(self, track_id: int) -> int:
        """The one that is meant, if it is seen; the largest for 0. 0: there is none."""
        if track_id:
            return track_id if track_id in self._faces else 0
        return max(self._faces, key=lambda key: _size_px(self._faces[key]), default=0)

    def _decide(self, decided: FaceIdentity, stamp_ns: int) -> None:
        self._requests.pop(decided.track_id, None)
        self._decisions.take(decided, stamp_ns + round(self._config.hold_s * NS))

    def _end_requests(self, problem: str) -> None:
        self._requests = {}
        self._decisions.clear()
        self._end_enrolment(problem, "begin anew")

    def _end_enrolment(self, problem: str, what_to_do: str) -> None:
        enrolment, self._enrolment = self._enrolment, None
        if enrolment is not None:
            enrolment.fail(problem, what_to_do)


def too_many_failures(refused_s: float) -> RequestRefusedError:
    """Nothing is judged for so long."""
    return RequestRefusedError("too many failures", f"try again in {math.ceil(refused_s)} s")


def _onlooker(config: IdentityConfig, runner: EncoderRunner | None, counts: Counter[str]) -> Onlooker | None:
    """What looks at faces in images; None where nothing does. Raises InvalidValueError."""
    reads_maps = runner is not None and runner.reads_maps
    if reads_maps != bool(config.features_model):
        expected = "the bundle that makes what the encoder reads" if reads_maps else "nothing: the encoder reads none"
        raise InvalidValueError("features_model", config.features_model, expected)
    if not config.appearance_model and not reads_maps:
        return None
    from face1d_ros.stages.appearance import Onlooker

    return Onlooker(config, counts)


def _size_px(face: FaceLandmarks) -> float:
    size = size_px(face.points) if len(face.points) else 0.0
    return size if math.isfinite(size) else 0.0
