"""Judges motions by the gallery, and counts who fails."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from face1d_ros.config import IdentityConfig
from face1d_ros.errors import EngineError, GalleryError
from face1d_ros.gallery.attempts import AttemptLimits, Attempts
from face1d_ros.gallery.matching import Match
from face1d_ros.stages.bundle_runner import ENGINE_FAILED
from face1d_ros.stages.identity_gallery import IdentityGallery
from face1d_ros.stages.identity_model import EncoderRunner
from face1d_ros.stages.identity_motion import Motion
from face1d_ros.stages.identity_requests import NS, Request
from face1d_ros.types import Decision, FaceIdentity, Factor, FloatArray

GALLERY_FAILED, NOT_JUDGED = "gallery failed", "motions too short or too weak"


@dataclass(frozen=True)
class Rule:
    """When two motions count as one person's."""

    threshold: float
    false_match_rate: float


class Judge:
    """Called under the stage's lock."""

    def __init__(self, config: IdentityConfig, runner: EncoderRunner | None, gallery: IdentityGallery) -> None:
        """Raises InvalidValueError for a rate of false matches at which nothing was measured."""
        self._runner, self._gallery = runner, gallery
        self.rule = self.rule_of(config)
        self._attempts = Attempts(limits_of(config))
        self.counts: Counter[str] = Counter()

    def rule_of(self, config: IdentityConfig) -> Rule:
        """At the rate that a configuration wants. Raises InvalidValueError."""
        rate = config.false_match_rate
        return Rule(self._runner.points.threshold(rate) if self._runner is not None else math.nan, rate)

    def refused_s(self, claim: str, stamp_ns: int) -> float:
        """For how long nobody may try to be this subject, or anybody ('')."""
        until_ns = self._attempts.locked_until_ns(claim, stamp_ns)
        return max(until_ns - stamp_ns, 0) / NS

    def decided(self, request: Request, motion: Motion, stamp_ns: int) -> FaceIdentity | None:
        """Of a motion; None where it could not be judged, and UNKNOWN where nobody is there to compare with."""
        if motion.is_short or motion.is_weak:
            self.counts[NOT_JUDGED] += 1
            return None
        if self.refused_s(request.claim, stamp_ns):
            return request.told(Decision.LOCKED_OUT)
        embedding = self.embedding(motion)
        if embedding is None:
            return None
        try:
            matches = self._gallery.matches(embedding, stamp_ns)
        except GalleryError:
            self.counts[GALLERY_FAILED] += 1
            return None
        found = judged(request, motion, matches, self.rule, stamp_ns)
        if found.decision is Decision.VERIFIED and self.refused_s(found.subject, stamp_ns):
            return request.told(Decision.LOCKED_OUT)  # nor is who is locked found by identification
        if found.decision is Decision.VERIFIED:
            self._attempts.succeeded(request.claim)
        elif found.decision is not Decision.UNKNOWN:
            self._attempts.failed(request.claim, stamp_ns)
        return found

    def embedding(self, motion: Motion) -> FloatArray | None:
        """(E,), or None where the engine fails."""
        try:
            return self._runner.encode(motion) if self._runner is not None else None
        except EngineError:
            self.counts[ENGINE_FAILED] += 1
            return None

    def nearest_other(self, embedding: FloatArray, subject: str, stamp_ns: int) -> float:
        """How like (E,) is to the likest of all but one subject; NaN: there is nobody else. Raises GalleryError.

        One that is too like counts as a failure: else enrolments would try motions without an end.
        """
        scores = [match.score for match in self._gallery.matches(embedding, stamp_ns) if match.subject != subject]
        nearest = scores[0] if scores else math.nan
        if nearest >= self.rule.threshold:
            self._attempts.failed("", stamp_ns)
        return nearest


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


def judged(request: Request, motion: Motion, matches: Sequence[Match], rule: Rule, now_ns: int) -> FaceIdentity:
    """Of a motion and how like it is to each subject, the likest first; UNKNOWN where nobody is there."""
    chosen = next((match for match in matches if match.subject == request.claim or not request.claim), None)
    if chosen is None:
        return FaceIdentity(request.track_id)
    others = [match.score for match in matches if match is not chosen]
    is_match = chosen.score >= rule.threshold
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
        factors=Factor.MOTION,
        template_age_s=(now_ns - chosen.enrolled_ns) / NS if subject else math.nan,
        judged_from_ns=motion.from_ns,
        judged_to_ns=motion.to_ns,
    )
