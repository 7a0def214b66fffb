"""Every contender on every kind of comparison; clips are made once, and shared by all.

Letters: C clips, M pairs, E numbers of a vector.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.evaluate.identity_baselines import in_own_size, pooled_vectors, warping_scorer
from face1d_ros.evaluate.identity_cases import Encoded, Thresholds, case_rows, changed_pairs, flash_rows
from face1d_ros.evaluate.identity_clips import IMITATED, REPEATED, VARIED, Clips
from face1d_ros.evaluate.identity_conditions import FLASH, MADE_ANEW, OF_WHAT_WAS_SEEN
from face1d_ros.evaluate.identity_encoder import Encoder
from face1d_ros.evaluate.identity_portrait import portrait_row
from face1d_ros.evaluate.identity_protocol import (
    Outcome,
    Pairs,
    Scores,
    across_sample,
    across_subjects,
    outcome,
    product_scorer,
    within_subjects,
)
from face1d_ros.evaluate.identity_report import (
    ACROSS,
    DRAWN,
    MOTIONS,
    POOLED,
    SPOTTED,
    WARPING,
    WHOLE,
    WITH_TWINS,
    WITHIN,
    figures_row,
    fold_rows,
    operating_rows,
    robust_row,
    subject_rows,
    threshold_in_use,
)
from face1d_ros.evaluate.verification import Verification, average_precision, curve, verification
from face1d_ros.types import FloatArray

WAYS = {WHOLE: False, SPOTTED: True}
MOST_ACROSS = 50_000
"""Pairs of different subjects that dynamic time warping is asked about, too."""
RATE_NEAR_HZ = 0.5
FAR_YAW_RAD = 0.26
"""15°: clips in which the head turns further are looked at by themselves."""
Bar = Callable[[str, int], Callable[[int], None]]


@dataclass(frozen=True, eq=False)
class Compared:
    """Pairs of clips, how alike they are, and from when on that is enough."""

    clips: Clips
    pairs: Pairs
    scores: Scores
    threshold: float


@dataclass(eq=False)
class Kept:
    """What the pictures are drawn from."""

    scores: dict[str, tuple[Scores, NDArray[np.bool_]]] = field(default_factory=dict)
    """Within subjects, by contender."""
    repeated: Encoded | None = None
    """Of the default."""
    compared: dict[tuple[str, str], Compared] = field(default_factory=dict)
    """Repeated motions within subjects, by contender and way."""


class Judge:
    """Holds the contenders."""

    def __init__(self, encoders: Sequence[Encoder], default: str | None, bar: Bar) -> None:
        self._encoders, self._default, self._bar = encoders, default, bar
        self.kept = Kept()
        self._encoded: dict[str, Encoded] = {}
        """Repeated motions, by contender and way."""
        self._thresholds: dict[str, Thresholds] = {}

    def motions(self, clips: Mapping[str, Clips]) -> list[dict[str, Any]]:
        """Facial motions: figures within and across subjects, and the cases that are hard."""
        rows = self.repeated_only(clips[REPEATED], MOTIONS)
        for encoder in self._encoders:
            if encoder.name == self._default:
                rows += self._cases(encoder, clips)
        return rows

    def repeated_only(self, clips: Clips, test: str) -> list[dict[str, Any]]:
        """Figures of every contender on repeated motions."""
        pairs, rows = within_subjects(clips), []
        for encoder in self._encoders:
            advance = self._bar(f"{encoder.name}, {test}", 2 * len(clips))
            for way, is_spotted in WAYS.items():
                vectors = encoder.vectors(clips, is_spotted=is_spotted, advance=advance)
                rows += self._of_vectors(encoder.name, encoder.settings, test, way, vectors, clips, pairs)
        return rows + self._baselines(clips, pairs, test)

    def conditions(self, clips: Mapping[str, Clips]) -> list[dict[str, Any]]:
        """Average precision of the default under harder conditions."""
        encoder = next((one for one in self._encoders if one.name == self._default), None)
        if encoder is None:
            return []
        rows, plain = [], self._encoded[f"{encoder.name}, {WHOLE}"]
        tried = [name for name in (*OF_WHAT_WAS_SEEN, *MADE_ANEW) if len(clips.get(name, Clips(())))]
        advance = self._bar("conditions", sum(len(clips[name]) for name in tried))
        for name in tried:
            changed = Encoded(clips[name], encoder.vectors(clips[name], advance=advance))
            compared = changed_pairs(changed, plain)
            usual, usual_pairs = compared.pop("as they are")
            before = _precision(usual, usual_pairs)
            rows += [
                robust_row(encoder.name, name, which, pairs, before, _precision(scores, pairs))
                for which, (scores, pairs) in compared.items()
                if before is not None and pairs.has_both
            ]
        return rows + self._by_clip(encoder.name, plain)

    def portrait(self, clips: Clips) -> list[dict[str, Any]]:
        """Of every encoder, at its own threshold for a false match rate of 1e-2."""
        pairs, rows = within_subjects(clips), []
        for encoder in self._encoders:
            for way, is_spotted in WAYS.items():
                vectors = encoder.vectors(clips, is_spotted=is_spotted)
                scores = product_scorer(vectors)(pairs.first, pairs.second)
                found = self._thresholds.get(f"{encoder.name}, {way}")
                rows.append(portrait_row(encoder.name, way, scores, clips, found.strict if found else None))
        return rows

    def _of_vectors(
        self,
        name: str,
        settings: Mapping[str, Any],
        test: str,
        way: str,
        vectors: FloatArray,
        clips: Clips,
        pairs: Pairs,
    ) -> list[dict[str, Any]]:
        scores = product_scorer(vectors)(pairs.first, pairs.second)
        found = outcome(scores, pairs)
        rows = [figures_row(name, settings, test, WITHIN, way, found)]
        every = within_subjects(clips, with_twins=True)
        if len(every) > len(pairs):
            twins = outcome(product_scorer(vectors)(every.first, every.second), every)
            rows.append(figures_row(name, settings, test, WITH_TWINS, way, twins))
        if way == WHOLE:
            rows += fold_rows(name, test, found)
        far_scores, genuine = across_subjects(vectors, clips)
        if not genuine.all():
            rows.append(figures_row(name, settings, test, ACROSS, way, _pooled(verification(far_scores, genuine))))
            drawn = across_sample(clips, MOST_ACROSS)
            some = product_scorer(vectors)(drawn.first, drawn.second)
            rows.append(figures_row(name, settings, test, DRAWN, way, _pooled(verification(some, drawn.genuine))))
        if test == MOTIONS:
            self._thresholds[f"{name}, {way}"] = Thresholds.of(found)
            threshold = threshold_in_use(settings, found)
            self.kept.compared[name, way] = Compared(clips, pairs, scores, threshold)
            rows += subject_rows(name, test, way, scores, pairs, threshold)
            rows += operating_rows(name, settings, way, WITHIN, scores, pairs.genuine)
            rows += operating_rows(name, settings, way, ACROSS, far_scores, genuine)
            self._encoded[f"{name}, {way}"] = encoded = Encoded(clips, vectors)
            if way == WHOLE:
                self.kept.scores[name] = scores, pairs.genuine
                self.kept.repeated = encoded if name == self._default else self.kept.repeated
        return rows

    def _baselines(self, clips: Clips, pairs: Pairs, test: str) -> list[dict[str, Any]]:
        rows = []
        for way, is_spotted in WAYS.items():
            offsets = [clip.offsets(is_spotted=is_spotted) for clip in clips.all]
            rows += self._of_vectors(POOLED, {}, test, way, pooled_vectors(offsets), clips, pairs)
            rows += self._warping(offsets, clips, pairs, test, way)
        return rows

    def _warping(
        self, offsets: list[FloatArray], clips: Clips, pairs: Pairs, test: str, way: str
    ) -> list[dict[str, Any]]:
        across = across_sample(clips, MOST_ACROSS)
        impostors = across.chosen(~across.genuine)
        advance = self._bar(f"{WARPING}, {test}", len(pairs) + len(impostors))
        score = warping_scorer(in_own_size(offsets), advance)
        scores = score(pairs.first, pairs.second)
        found = outcome(scores, pairs)
        rows = [figures_row(WARPING, {}, test, WITHIN, way, found)]
        if len(impostors):
            every = np.concatenate([scores[pairs.genuine], score(impostors.first, impostors.second)])
            genuine = np.arange(len(every)) < int(pairs.genuine.sum())
            rows.append(figures_row(WARPING, {}, test, DRAWN, way, _pooled(verification(every, genuine))))
        if way == WHOLE:
            rows += fold_rows(WARPING, test, found)
        if (test, way) == (MOTIONS, WHOLE):
            self.kept.scores[WARPING] = scores, pairs.genuine
        return rows

    def _cases(self, encoder: Encoder, clips: Mapping[str, Clips]) -> list[dict[str, Any]]:
        rows = []
        for way, is_spotted in WAYS.items():
            blocks = {
                name: Encoded(clips[name], encoder.vectors(clips[name], is_spotted=is_spotted))
                for name in (VARIED, IMITATED, FLASH)
                if len(clips.get(name, Clips(())))
            }
            key = f"{encoder.name}, {way}"
            repeated, thresholds = self._encoded[key], self._thresholds[key]
            varied, imitated = (blocks.get(name, repeated.chosen(())) for name in (VARIED, IMITATED))
            rows += case_rows(encoder.name, repeated, varied, imitated, thresholds, way)
            if FLASH in blocks:
                rows += flash_rows(encoder.name, blocks[FLASH], thresholds, way)
        return rows

    def _by_clip(self, name: str, plain: Encoded) -> list[dict[str, Any]]:
        """Pairs of the test set itself, of which one clip is of another rate than 30 Hz, or of a turned head."""
        pairs = within_subjects(plain.clips)
        scores = product_scorer(plain.vectors)(pairs.first, pairs.second)
        rates, yaws = plain.clips.rate_hz, plain.clips.yaw_rad
        kinds = {f"seen at {rate:g} Hz": np.abs(rates - rate) < RATE_NEAR_HZ for rate in sorted(set(np.round(rates)))}
        kinds["turns beyond 15°"] = yaws > FAR_YAW_RAD
        whole, rows = _precision(scores, pairs), []
        for kind, is_it in kinds.items():
            which = is_it[pairs.first] | is_it[pairs.second]
            some = pairs.chosen(which)
            found = _precision(scores[which], some)
            if whole is not None and found is not None:
                rows.append({**robust_row(name, kind, "of the test set", some, whole, found), "part": "seen"})
        return rows


def _precision(scores: Scores, pairs: Pairs) -> float | None:
    """Average precision; None where there are not both kinds of pairs."""
    return average_precision(curve(scores, pairs.genuine)) if pairs.has_both else None


def _pooled(found: Verification) -> Outcome:
    """Without folds: all pairs are one."""
    return Outcome(found, found.average_precision, found.peak_f1, ((found.average_precision, found.peak_f1),))
