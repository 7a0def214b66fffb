"""Judges motions by the gallery, and counts who fails."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from face1d_ros.config import IdentityConfig
from face1d_ros.errors import EngineError, GalleryError
from face1d_ros.gallery.attempts import AttemptLimits, Attempts
from face1d_ros.gallery.matching import Match
from face1d_ros.stages.appearance_views import NOTHING_SEEN, Sight
from face1d_ros.stages.bundle_runner import ENGINE_FAILED
from face1d_ros.stages.identity_gallery import IdentityGallery
from face1d_ros.stages.identity_model import EncoderRunner
from face1d_ros.stages.identity_motion import Motion
from face1d_ros.stages.identity_requests import NS, Request
from face1d_ros.types import Decision, FaceIdentity, Factor, FloatArray

GALLERY_FAILED, NOT_JUDGED = "gallery failed", "motions too short or too weak"
WITHOUT_APPEARANCE = "motions not judged without the appearance that was enrolled"
OTHER_APPEARANCE = "appearance of somebody else"
Threshold = Callable[[float], float]


@dataclass(frozen=True)
class Rule:
    """When two motions count as one person's, and two faces."""

    threshold: float
    false_match_rate: float
    appearance_threshold: float = math.nan

    def is_face_of(self, match: Match) -> bool:
        """Whether the face is the subject's, or none was enrolled. One that was not seen is nobody's."""
        return not match.has_appearance or match.appearance_score >= self.appearance_threshold

    def accepts(self, match: Match) -> bool:
        """Whether all that was enrolled of the subject is there."""
        return match.score >= self.threshold and self.is_face_of(match)


@dataclass(frozen=True)
class Near:
    """Who is like what is being enrolled."""

    other: float
    """How like the motion is to the likest of other subjects; NaN: there is none."""
    is_other_face: bool
    """Whether it is added to a subject who was enrolled with another face."""


class Judge:
    """Called under the stage's lock."""

    def __init__(
        self,
        config: IdentityConfig,
        runner: EncoderRunner | None,
        gallery: IdentityGallery,
        counts: Counter[str],
        appearance_threshold: Threshold | None = None,
    ) -> None:
        """Raises InvalidValueError for a rate of false matches at which nothing was measured."""
        self._runner, self._gallery, self._appearance_threshold = runner, gallery, appearance_threshold
        self.rule = self.rule_of(config)
        self._attempts = Attempts(limits_of(config))
        self._counts = counts

    def rule_of(self, config: IdentityConfig) -> Rule:
        """At the rate that a configuration wants. Raises InvalidValueError."""
        rate, of_face = config.false_match_rate, self._appearance_threshold
        return Rule(
            self._runner.points.threshold(rate) if self._runner is not None else math.nan,
            rate,
            math.nan if of_face is None else of_face(config.appearance_false_match_rate),
        )

    def refused_s(self, claim: str, stamp_ns: int) -> float:
        """For how long nobody may try to be this subject, or anybody ('')."""
        until_ns = self._attempts.locked_until_ns(claim, stamp_ns)
        return max(until_ns - stamp_ns, 0) / NS

    def decided(
        self, request: Request, motion: Motion, stamp_ns: int, sight: Sight = NOTHING_SEEN
    ) -> FaceIdentity | None:
        """Of a motion; None where it could not be judged, and UNKNOWN where nobody is there to compare with."""
        if motion.is_short or motion.is_weak:
            self._counts[NOT_JUDGED] += 1
            return None
        if self.refused_s(request.claim, stamp_ns):
            return request.told(Decision.LOCKED_OUT)
        embedding = self.embedding(motion, sight)
        if embedding is None:
            return None
        try:
            matches = self._gallery.matches(embedding, stamp_ns, sight.appearance)
        except GalleryError:
            self._counts[GALLERY_FAILED] += 1
            return None
        found = judged(request, motion, matches, self.rule, stamp_ns)
        if found is None:
            self._counts[WITHOUT_APPEARANCE] += 1
            return None
        if found.decision is not Decision.VERIFIED and found.score >= found.threshold:
            self._counts[OTHER_APPEARANCE] += 1
        if found.decision is Decision.VERIFIED and self.refused_s(found.subject, stamp_ns):
            return request.told(Decision.LOCKED_OUT)  # nor is who is locked found by identification
        if found.decision is Decision.VERIFIED:
            self._attempts.succeeded(request.claim)
        elif found.decision is not Decision.UNKNOWN:
            self._attempts.failed(request.claim, stamp_ns)
        return found

    def embedding(self, motion: Motion, sight: Sight = NOTHING_SEEN) -> FloatArray | None:
        """(E,), or None where the engine fails, or the encoder reads what was not seen."""
        if self._runner is None or (self._runner.reads_maps and sight.maps is None):
            return None
        try:
            return self._runner.encode(motion, sight.maps)
        except EngineError:
            self._counts[ENGINE_FAILED] += 1
            return None

    def near(self, embedding: FloatArray, subject: str, stamp_ns: int, appearance: FloatArray | None = None) -> Near:
        """Who is like (E,) and (A,), which are to be enrolled, maybe for a subject. Raises GalleryError.

        What is too like another's, and another's face, count as a failure: else enrolments would try without an end.
        """
        matches = self._gallery.matches(embedding, stamp_ns, appearance)
        scores = [match.score for match in matches if match.subject != subject]
        own = [match for match in matches if match.subject == subject and appearance is not None]
        near = Near(scores[0] if scores else math.nan, not all(self.rule.is_face_of(match) for match in own))
        if near.other >= self.rule.threshold or near.is_other_face:
            self._attempts.failed("", stamp_ns)
        return near


def limits_of(config: IdentityConfig) -> AttemptLimits:
    """Of a subject as configured, of all together what follows from it."""
    usual = AttemptLimits()
    return replace(
        usual,
        failures=config.max_failures,
        overall_failures=max(usual.overall_failures, 4 * config.max_failures),
        lock_s=config.lockout_s,
        longest_lock_s=max(usual.longest_lock_s, config.lockout_s),
    )


def judged(request: Request, motion: Motion, matches: Sequence[Match], rule: Rule, now_ns: int) -> FaceIdentity | None:
    """Of a motion and how like it is to each subject, the likest first; UNKNOWN where nobody is there.

    None where all who could be meant were enrolled with their appearance, and none was seen. How like the motion was to
    that of somebody whose appearance was not seen is not told, by the margin neither.
    """
    if not any(match.subject == request.claim or not request.claim for match in matches):
        return FaceIdentity(request.track_id)
    seen = [match for match in matches if not match.is_unseen]
    meant = [match for match in seen if match.subject == request.claim or not request.claim]
    if not meant:
        return None
    chosen = next((match for match in meant if rule.accepts(match)), meant[0])
    others = [match.score for match in seen if match is not chosen]
    is_match = rule.accepts(chosen)
    of_nobody = Decision.REJECTED if request.claim else Decision.NO_MATCH
    subject = chosen.subject if is_match else request.claim
    return FaceIdentity(
        track_id=request.track_id,
        decision=Decision.VERIFIED if is_match else of_nobody,
        subject=subject,
        claimed=bool(request.claim),
        score=chosen.score,
        threshold=rule.threshold,
        margin=chosen.score - others[0] if others else math.nan,
        false_match_rate=rule.false_match_rate,
        factors=Factor.MOTION | Factor.APPEARANCE if chosen.has_appearance else Factor.MOTION,
        template_age_s=(now_ns - chosen.enrolled_ns) / NS if subject else math.nan,
        judged_from_ns=motion.from_ns,
        judged_to_ns=motion.to_ns,
    )
