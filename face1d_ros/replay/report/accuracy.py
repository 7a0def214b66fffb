"""Results against a truth: landmarks raw and smoothed, expressions with their phases, head pose; and the verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.evaluate.classification import PHASES, Confusion
from face1d_ros.evaluate.verdicts import Verdict, judge
from face1d_ros.geometry.topology import indices_in, topology_of
from face1d_ros.replay.report.content import HIGHER, LOWER, NEITHER, Figure
from face1d_ros.replay.report.heads import head_turn, turned_deg
from face1d_ros.replay.report.histogram import LogHistogram
from face1d_ros.replay.report.motion_errors import Errors, Mean, Pairs
from face1d_ros.replay.report.phase_errors import PhaseErrors
from face1d_ros.replay.report.truth import TrueFace, Truth, known_vector
from face1d_ros.types import FaceExpressionArray, FaceLandmarksArray, FaceMeshArray, Phase

GAP_NS = 1_000_000_000
"""Frames further apart by their stamps are not neighbours."""
UNKNOWN = "unknown"
"""What a face without a label has answered."""
LANDMARKS = {
    "nme_percent": ("NME", "%", LOWER),
    "nrmse_percent": ("NRMSE", "%", LOWER),
    "nme_auc_8": ("AUC@8 of NME", "", HIGHER),
    "nme_auc_10": ("AUC@10 of NME", "", HIGHER),
    "nme_fr_8": ("FR@8 of NME", "", LOWER),
    "nme_fr_10": ("FR@10 of NME", "", LOWER),
    "nrmse_auc_8": ("AUC@8 of NRMSE", "", HIGHER),
    "nrmse_auc_10": ("AUC@10 of NRMSE", "", HIGHER),
    "nrmse_fr_8": ("FR@8 of NRMSE", "", LOWER),
    "nrmse_fr_10": ("FR@10 of NRMSE", "", LOWER),
    "stability_percent": ("stability", "%", LOWER),
    "jitter_px": ("jitter index", "px", LOWER),
    "acceleration_px": ("acceleration error", "px", LOWER),
    "lag_frames": ("lag", "frames", NEITHER),
}


class Accuracy:
    """Of all frames of which the truth says something."""

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self.matched = 0
        """Messages of which the truth says something."""
        self._errors = {"raw": Errors(), "smoothed": Errors()}
        self._pairs: dict[tuple[str, int, int], Pairs] = {}
        self._in_a_row: dict[str, set[tuple[str, int, int]]] = {"raw": set(), "smoothed": set()}
        self._stamp_ns: dict[str, int] = {}
        self._face_of: dict[int, int] = {}
        self._labels: Counter[tuple[str, str]] = Counter()
        self._frame_phases: Counter[tuple[Phase, Phase]] = Counter()
        self._phases = PhaseErrors()
        self._turns_deg = LogHistogram()
        self._turn, self._way_mm = Mean(), Mean()

    def landmarks(self, side: str, frame: FaceLandmarksArray) -> None:
        """The next frame of `raw` or `smoothed`."""
        stamp_ns = frame.header.stamp_ns
        truth = self._of(stamp_ns)
        if not 0 < stamp_ns - self._stamp_ns.get(side, stamp_ns - 1) <= GAP_NS:
            self._end(side, self._in_a_row[side])
        self._stamp_ns[side] = stamp_ns
        now = set()
        for true, place in matched(truth, frame):
            if place is None:
                self._errors[side].miss()
                continue
            face = frame.faces[place]
            self._face_of[face.track_id] = true.face
            now.add(self._compare(side, true, face.points, face.track_id))
        self._end(side, self._in_a_row[side] - now)
        self._in_a_row[side] = now

    def expressions(self, frame: FaceExpressionArray) -> None:
        """The next frame."""
        for event in frame.events:
            self._phases.event(self._face_of.get(event.track_id, 1), event)
        for true, face in self._met(frame):
            if true.label:
                self._labels[true.label, face.label or UNKNOWN] += 1
            if true.phase is not Phase.UNKNOWN:
                self._frame_phases[true.phase, face.phase] += 1
                self._phases.frame(true.face, frame.header.stamp_ns, true.phase)

    def poses(self, frame: FaceMeshArray) -> None:
        """The next frame."""
        for true, face in self._met(frame):
            told = head_turn(face.pose.orientation)
            turn = head_turn(true.orientation) if true.orientation is not None else None
            if told is not None and turn is not None:
                off_deg = turned_deg(turn, told)
                self._turns_deg.add(off_deg)
                self._turn.add(off_deg, 1.0)
            if known_vector(true.position_m) and known_vector(face.pose.position):
                self._way_mm.add(1e3 * float(np.linalg.norm(true.position_m - face.pose.position)), 1.0)

    def forget(self, track_id: int) -> None:
        """The track has ended."""
        self._face_of.pop(track_id, None)

    def close(self) -> None:
        """The bag has ended."""
        for (side, *_), pairs in self._pairs.items():
            pairs.measure(self._errors[side])
        self._pairs.clear()
        self._phases.close()

    def figures(self) -> list[Figure]:
        """Those of which something was measured."""
        sides = [figure for side, errors in self._errors.items() for figure in _landmark_figures(side, errors)]
        return [*sides, *self._ratio_figures(), *self._expression_figures(), *self._pose_figures()]

    def verdicts(self, latency_ms: float | None) -> tuple[Verdict, ...]:
        """The seven, of the smoothed landmarks where there are any."""
        side = "smoothed" if self._errors["smoothed"].frames else "raw"
        errors = self._errors[side]
        values = {key: errors.value(key) for key in ("nme_percent", "jitter_px")}
        conditions = f"this source, landmarks {side}; latency: p95 of all stages together in this run"
        return judge({**values, "latency_ms": latency_ms}, data=self.truth.data, conditions=conditions)

    def notes(self) -> list[str]:
        """What a reader should know."""
        if not self.matched:
            return [f"No frame has a stamp that the truth ({self.truth.description}) knows: nothing was compared."]
        unusable = sum(errors.unusable for errors in self._errors.values())
        return (
            [f"{unusable} stretches of landmarks were not compared: a face in them has no extent."] if unusable else []
        )

    def _of(self, stamp_ns: int) -> tuple[TrueFace, ...]:
        found = self.truth.at(stamp_ns)
        self.matched += found is not None
        return found or ()

    def _end(self, side: str, keys: Iterable[tuple[str, int, int]]) -> None:
        """What follows of these is no neighbour."""
        for key in keys:
            pairs = self._pairs.pop(key, None)
            if pairs is not None:
                pairs.measure(self._errors[side])

    def _compare(self, side: str, true: TrueFace, points: NDArray[Any], track_id: int) -> tuple[str, int, int]:
        assert true.points is not None, "faces without landmarks are not matched by them"
        p, g = alike(points[:, :2], true.points)
        key = (side, true.face, track_id)
        pairs = self._pairs.get(key)
        if pairs is not None and not pairs.fits(p, g):
            pairs.measure(self._errors[side])
            pairs = None
        if pairs is None:
            pairs = self._pairs[key] = Pairs()
        pairs.add(p, g, self._errors[side])
        return key

    def _met(self, frame: FaceExpressionArray | FaceMeshArray) -> Iterator[tuple[TrueFace, Any]]:
        """True faces and those that were told: by their landmarks, else by their ids, else the only one."""
        truth = self._of(frame.header.stamp_ns)
        for true in truth:
            named = [face for face in frame.faces if self._face_of.get(face.track_id, face.track_id) == true.face]
            if named:
                yield true, named[0]
            elif len(truth) == len(frame.faces) == 1:
                yield true, frame.faces[0]

    def _ratio_figures(self) -> list[Figure]:
        found = []
        for key in ("nme_percent", "jitter_px"):
            raw, smoothed = (self._errors[side].value(key) for side in ("raw", "smoothed"))
            if raw and smoothed is not None:
                name = key.partition("_")[0]
                label = f"{LANDMARKS[key][0]}, smoothed over raw"
                found.append(Figure(f"accuracy.ratio.{name}", label, smoothed / raw, "", LOWER))
        return found

    def _expression_figures(self) -> list[Figure]:
        found: list[Figure] = []
        section = "accuracy.expression"
        if self._labels:
            labels = confusion_of(self._labels)
            found += [
                Figure(f"{section}.frames", "frames with a true label", float(labels.counts.sum())),
                Figure(f"{section}.accuracy_percent", "accuracy of labels", 100.0 * labels.accuracy, "%", HIGHER),
                Figure(f"{section}.macro_f1", "macro F1 of labels", labels.macro_f1, "", HIGHER),
            ]
        if self._frame_phases:
            phases = confusion_of(self._frame_phases, tuple(Phase))
            f1 = float(np.nanmean(phases.f1[list(PHASES)]))
            found.append(Figure(f"{section}.phase_f1", "macro F1 of phases", f1, "", HIGHER))
            for phase, late_ms in self._phases.late_ms.items():
                name = phase.name.lower()
                off = float(np.abs(late_ms).mean()) if late_ms else None
                missed, extra = float(self._phases.missed[phase]), float(self._phases.extra[phase])
                found += [
                    Figure(f"{section}.{name}_ms", f"beginning of {name} is off by", off, "ms", LOWER),
                    Figure(f"{section}.{name}_missed", f"{name}: not found", missed, "", LOWER),
                    Figure(f"{section}.{name}_extra", f"{name}: told where there is none", extra, "", LOWER),
                ]
        return found

    def _pose_figures(self) -> list[Figure]:
        found: list[Figure] = []
        if self._turns_deg.count:
            p95 = self._turns_deg.percentile(95)
            found += [
                Figure("accuracy.pose.rotation_deg", "rotation is off by", self._turn.value, "°", LOWER),
                Figure("accuracy.pose.rotation_p95_deg", "rotation is off by, p95", p95, "°", LOWER),
            ]
        if self._way_mm.weight:
            found.append(Figure("accuracy.pose.position_mm", "position is off by", self._way_mm.value, "mm", LOWER))
        return found


def matched(truth: Sequence[TrueFace], frame: FaceLandmarksArray) -> Iterator[tuple[TrueFace, int | None]]:
    """Each true face with landmarks, and the place of the nearest face; None where none is within its own size."""
    wanted = [(face, *_middle(face.points)) for face in truth if face.points is not None]
    wanted = [(face, middle, size) for face, middle, size in wanted if np.isfinite(middle).all()]
    middles = [_middle(face.points[:, :2])[0] for face in frame.faces]
    far = sorted(
        (float(np.linalg.norm(middle - there)), index, place)
        for index, (_, middle, size) in enumerate(wanted)
        for place, there in enumerate(middles)
        if np.linalg.norm(middle - there) <= size
    )
    places: dict[int, int] = {}
    for _, index, place in far:
        if index not in places and place not in places.values():
            places[index] = place
    for index, (face, _, _) in enumerate(wanted):
        yield face, places.get(index)


def alike(points: NDArray[np.float32], truth: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Both (N, 2) in the topology of fewer points."""
    if len(points) == len(truth):
        return points, truth
    target = topology_of(min(len(points), len(truth)))
    p, g = (each[indices_in(target, topology_of(len(each)))] for each in (points, truth))
    return p, g


def confusion_of(counts: Counter[Any], labels: Sequence[Any] = ()) -> Confusion:
    """Of how often each (true, told) pair came."""
    known = list(labels) or sorted({label for pair in counts for label in pair})
    table = np.zeros((len(known), len(known)), np.int64)
    for (true, told), count in counts.items():
        table[known.index(true), known.index(told)] += count
    return Confusion(tuple(str(label) for label in known), table)


def _landmark_figures(side: str, errors: Errors) -> list[Figure]:
    if not errors.frames:
        return []
    missed = 100.0 * errors.missed / errors.frames
    found = [
        Figure(f"accuracy.{side}.faces", f"true faces, {side}", float(errors.frames)),
        Figure(f"accuracy.{side}.missed_percent", f"faces not found, {side}", missed, "%", LOWER),
    ]
    for key, (name, unit, better) in LANDMARKS.items():
        found.append(Figure(f"accuracy.{side}.{key}", f"{name}, {side}", errors.value(key), unit, better))
    lag = errors.value("lag_frames")
    off = None if lag is None else abs(lag)
    return [*found, Figure(f"accuracy.{side}.abs_lag_frames", f"lag without its sign, {side}", off, "frames", LOWER)]


def _middle(points: NDArray[np.float32] | None) -> tuple[NDArray[np.float64], float]:
    """(2,) middle of a face's box, and the box's larger side; NaN where no point is known."""
    if points is None or not np.isfinite(points).any():
        return np.full(2, np.nan), 0.0
    low, high = np.nanmin(points, axis=0), np.nanmax(points, axis=0)
    return (low + high) / 2.0, float((high - low).max())
