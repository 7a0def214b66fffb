"""Smoothers behind the real detector: on video, which has no truth, and on the animated portrait, which has one."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from face1d_ros.config import LandmarksConfig
from face1d_ros.errors import SourceError, SourceNotFoundError
from face1d_ros.evaluate import metrics
from face1d_ros.evaluate.portrait_truth import POINTS, VARIANTS
from face1d_ros.evaluate.smoothing_events import (
    Blinks,
    Smile,
    blink_depths,
    eye_opening,
    find_blinks,
    find_smile,
    mouth_width,
    onset_frame,
)
from face1d_ros.evaluate.smoothing_tracks import NS, Observations, Track, real_track
from face1d_ros.evaluate.tracks import Floats
from face1d_ros.geometry.topology import to_68
from face1d_ros.sources.portrait import AnimatedPortrait
from face1d_ros.sources.video import VideoFile
from face1d_ros.stages.landmarks import LandmarksStage
from face1d_ros.types import FaceLandmarksArray, FloatArray, Frame, Topology

SUFFIXES = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".webm")
LEAST_SEEN = 30
"""Frames with a face of a clip that is measured."""
PORTRAIT_FRAMES = 450
"""15 s: four blinks, talking, a smile, raised brows."""
PORTRAIT_VARIANTS = ("clean", "noise 8")


@dataclass(frozen=True, eq=False)
class Recording:
    """What the detector made of one face, and the events in it."""

    track: Track
    rate_hz: float

    @cached_property
    def pseudo_truth(self) -> Floats:
        """(T, N, 2) the raw track, smoothed offline; NaN where it cannot be."""
        return metrics.pseudo_truth(self.track.observed[..., :2], self.track.seen)

    @cached_property
    def smile(self) -> Smile | None:
        """The mouth's widest rise in the raw track."""
        return find_smile(mouth_width(self.track.observed), self.rate_hz)

    @cached_property
    def blinks(self) -> Blinks:
        """Those of the raw track."""
        return find_blinks(eye_opening(self.track.observed), self.rate_hz)


def clips(folder: str | Path) -> list[Path]:
    """The videos of a folder, by name."""
    folder = Path(folder)
    found = sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise SourceNotFoundError(folder, f"name a folder of videos ({', '.join(SUFFIXES)})")
    return found


def record_clip(path: Path, topology: Topology) -> Recording | str:
    """The first face of a video; in words, why there is nothing to measure in it."""
    try:
        with VideoFile(path) as video:
            seen = observe(video.frames())
    except SourceError as error:
        return str(error)
    count = int(np.isfinite(seen.points[:, 0, 0]).sum())
    if count < LEAST_SEEN:
        return f"{path.name}: a face in {count} of {len(seen.points)} frames, {LEAST_SEEN} are needed"
    return _recording(path.name, seen.chosen(topology), None)


def record_portrait(variant_name: str, topology: Topology, places: Floats, frames: int = PORTRAIT_FRAMES) -> Recording:
    """So many frames of the portrait in one of `VARIANTS`, with its truth but for the irises, which shut eyes hide.

    The `places` (468, 2) of the landmarks in the photo are those of `PortraitJudge`.
    """
    variant = next(one for one in VARIANTS if one.name == variant_name)
    portrait = AnimatedPortrait(length=frames, imaging=variant.imaging, motion=variant.motion)
    truth = np.full((frames, int(Topology.MESH_478), 2), np.nan)
    for index in range(frames):
        truth[index, :POINTS] = portrait.move(places, index / portrait.rate_hz)
    seen = observe(portrait.frames()).chosen(topology)
    return _recording(f"portrait, {variant_name}", seen, to_68(truth) if topology == Topology.FACE_68 else truth)


def observe(frames: Iterable[Frame]) -> Observations:
    """What the landmark stage says of one face, frame by frame."""
    with closing(LandmarksStage(LandmarksConfig(max_faces=1))) as stage:
        results = [stage.process(frame) for frame in frames]
    points = np.full((len(results), int(Topology.MESH_478), 3), np.nan, np.float32)
    certainty = np.zeros((len(results), int(Topology.MESH_478)), np.float32)
    confidence = np.zeros(len(results), np.float32)
    for index, result in enumerate(results):
        for face in result.faces[:1]:
            points[index], certainty[index] = face.points, face.point_confidence
            confidence[index] = np.nan_to_num(face.confidence, nan=1.0)
    stamps_ns = np.array([result.header.stamp_ns for result in results], np.int64)
    return Observations(stamps_ns, points, confidence, certainty, _size(results))


def real_figures(refined: FloatArray, recording: Recording) -> dict[str, float | int | None]:
    """Of one smoother on one recording; what a recording does not tell is None.

    `blink_depth` is the mean over blinks of how deep each goes, beside the raw track.
    """
    track = recording.track
    counted = track.seen & np.isfinite(refined[:, 0, 0])
    p, pseudo = refined[..., :2], recording.pseudo_truth
    smooth = counted & np.isfinite(pseudo[:, 0, 0])
    depths = _depth_ratios(refined, recording)
    found: dict[str, float | int | None] = {
        "sta1_percent": metrics.sta1_percent(p, None, counted),
        "sta2_percent": metrics.sta2_percent(p, None, counted),
        "pseudo_lag_frames": metrics.lag_frames(p, pseudo, smooth),
        "pseudo_error_percent": metrics.nme_percent(p, pseudo, smooth),
        "onset_delay_frames": _onset_delay(refined, recording),
        "blinks": len(depths),
        "blink_depth": float(depths.mean()) if len(depths) else None,
        "blink_depth_worst": float(depths.min()) if len(depths) else None,
    }
    known = counted[:, None] & np.isfinite(track.truth[..., 0])
    return found | (dict(metrics.landmark_motion(p, track.truth, known)) if known.any() else {})


def _onset_delay(refined: FloatArray, recording: Recording) -> float | None:
    """Frames by which the smile begins later than in the raw track; infinite where it never begins."""
    smile = recording.smile
    if smile is None:
        return None
    ours, theirs = (onset_frame(mouth_width(points), smile) for points in (refined, recording.track.observed))
    return float(np.nan_to_num(ours - theirs, nan=np.inf))


def _depth_ratios(refined: FloatArray, recording: Recording) -> Floats:
    """(blinks,) beside the raw track."""
    ours, theirs = (
        blink_depths(eye_opening(points), recording.blinks) for points in (refined, recording.track.observed)
    )
    ratios = ours / theirs
    return np.asarray(ratios[np.isfinite(ratios)])


def _recording(name: str, seen: Observations, truth: Floats | None) -> Recording:
    span_s = float(np.median(np.diff(seen.stamps_ns))) / NS
    return Recording(real_track(name, seen, truth), 1.0 / span_s)


def _size(results: list[FaceLandmarksArray]) -> tuple[int, int]:
    return (results[0].image_width, results[0].image_height) if results else (0, 0)
