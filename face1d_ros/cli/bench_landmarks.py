"""`face1d bench landmarks`: the landmark stage beside bare MediaPipe, and the detector beside the portrait's truth."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from face1d_ros.cli.interrupts import Check, between, interrupted_between_frames
from face1d_ros.cli.options import JSON
from face1d_ros.cli.tables import print_measurement, rows_table, wide_console
from face1d_ros.config import LandmarksConfig
from face1d_ros.detect.bare import BareFaceMesh
from face1d_ros.detect.confidence import point_confidence
from face1d_ros.detect.detector import Detector, make_detector
from face1d_ros.detect.quiet_start import quiet_start
from face1d_ros.evaluate.measurement import Measurement, Row, Target, conditions
from face1d_ros.evaluate.portrait_truth import VARIANTS, PortraitJudge
from face1d_ros.sources.portrait import AnimatedPortrait
from face1d_ros.stages.landmarks import LandmarksStage
from face1d_ros.types import FaceLandmarks, Frame, Header

Image: TypeAlias = NDArray[np.uint8]
Advance: TypeAlias = Callable[[], None]
RATE_HZ = 30.0
TILE_PX = (320, 240)
GREY = 90
DEFAULT_MAX_FACES = LandmarksConfig().max_faces
FRAMES_A_ROUND = 30
WARM_UP_FRAMES = 15
TRUTH_FRAMES = 300


@click.command("landmarks")
@JSON
@click.option("--rounds", type=click.IntRange(5, 1000), default=11, show_default=True, help="Of 30 frames a case.")
@click.option("--faces", type=click.IntRange(2, 8), default=4, show_default=True, help="In one image, at most.")
@click.option("--truth-frames", type=click.IntRange(3, 100_000), default=TRUTH_FRAMES, show_default=True)
def command(path: str | None, rounds: int, faces: int, truth_frames: int) -> None:
    """Time the landmark stage and bare MediaPipe on the same frames, and compare the detector with known motion.

    Speed: the animated portrait at 640×480, then portraits of 320×240 side by side. In each round all cases have their
    turn, with a block of 30 frames for either side, the one and the other first in turn. A time is the median over the
    rounds of each block's median. Bare MediaPipe is `mediapipe.solutions.face_mesh.FaceMesh(...).process(image)`, and
    nothing done with what it finds. Where other programs compete for the processor, its times (cpu) say more.

    Truth: the detector alone, without any smoothing, against the portrait's known motion.
    """
    cases = list(speed_cases(faces))
    with interrupted_between_frames() as check, Progress(console=Console(stderr=True), transient=True) as progress:
        speed = measure_speed(cases, rounds, _bar(progress, "speed", rounds), check)
        truth = measure_truth(truth_frames, _bar(progress, "truth", len(VARIANTS)), check)
    under = conditions(
        rounds=rounds,
        frames_a_round=FRAMES_A_ROUND,
        interleaved="blocks of frames, all cases in turn",
        image="640×480",
        truth="the detector's landmarks on the photo at rest, moved by the known motion",
        truth_points=468,
        truth_frames=truth_frames,
        load_average_1min=os.getloadavg()[0],
    )
    whole = Measurement("bench landmarks", under, [*speed, *truth], targets(speed))
    wide_console().print(rows_table(Measurement("", {}, _without_part(truth)), "The detector against known motion"))
    shown = Measurement(whole.command, under, _without_part(speed), whole.targets)
    print_measurement(shown, "Milliseconds for one frame, beside bare MediaPipe")
    if path:
        whole.write_json(path)
        click.echo(f"wrote {path}")


def measure_speed(cases: list[Case], rounds: int, advance: Advance, check: Check) -> list[dict[str, Any]]:
    """A row for each case; the cases take turns, so that a disturbance of the machine meets each of them."""
    with ExitStack() as stack:
        contests = [stack.enter_context(closing(Contest(case, check))) for case in cases]
        for _ in range(rounds):
            for contest in contests:
                contest.run()
            advance()
        return [contest.row() for contest in contests]


def measure_truth(frames: int, advance: Advance, check: Check) -> list[dict[str, Any]]:
    """A row for each variant of the portrait."""
    judge = PortraitJudge(frames, RATE_HZ, check)
    rows = []
    for variant in VARIANTS:
        rows.append({"part": "truth", **judge.row(variant)})
        advance()
    return rows


def _bar(progress: Progress, name: str, total: int) -> Advance:
    task = progress.add_task(name, total=total)
    return lambda: progress.advance(task)


def targets(rows: list[dict[str, Any]]) -> dict[str, Target]:
    """Of one face the worse of both cases; of further faces the slope over the tiled ones."""
    single = [row["fps_ratio"] for row in rows if row["picture"] == "portrait"]
    tiled = [row for row in rows if row["picture"] == "tiles"]
    counts = [row["faces"] for row in tiled]
    ours, bare = (float(np.polyfit(counts, [row[key] for row in tiled], 1)[0]) for key in ("ours_ms", "bare_ms"))
    return {
        "landmarks.fps_ratio": Target(min(single), 0.9, ">="),
        "landmarks.extra_face_ratio": Target(ours / bare if bare > 0.0 else None, 1.05),
    }


@dataclass(frozen=True, eq=False)
class Case:
    """Images of so many faces, and how many are looked for."""

    picture: str
    faces: int
    max_faces: int
    images: list[Image]


def speed_cases(faces: int) -> Iterator[Case]:
    """One face alone and one while more are looked for; then tiles with one face and more."""
    images = [frame.image for frame in AnimatedPortrait(length=FRAMES_A_ROUND, rate_hz=RATE_HZ).frames()]
    for max_faces in (1, DEFAULT_MAX_FACES):
        yield Case("portrait", 1, max_faces, images)
    for count in range(1, faces + 1):
        yield Case("tiles", count, count, tiled(count, faces))


def tiled(count: int, places: int) -> list[Image]:
    """Images with faces in so many of the tiles, row by row, each a second later in its motion than the last."""
    width, height = TILE_PX
    columns = 2 if places <= 4 else 4
    step = round(RATE_HZ)
    portrait = AnimatedPortrait(width=width, height=height, rate_hz=RATE_HZ)
    moments = [frame.image for frame in islice(portrait.frames(), step * count + FRAMES_A_ROUND)]
    images = []
    for index in range(FRAMES_A_ROUND):
        image = np.full((2 * height, columns * width, 3), GREY, np.uint8)
        for tile in range(count):
            row, column = divmod(tile, columns)
            part = image[height * row : height * (row + 1), width * column : width * (column + 1)]
            part[:] = moments[step * tile + index]
        images.append(image)
    return images


class Contest:
    """One case in both ways: what it takes, round by round."""

    def __init__(self, case: Case, check: Check) -> None:
        """`check` is called before each frame; it may raise."""
        self._case, self._check = case, check
        self._bare = BareFaceMesh(case.max_faces)
        self._detector = TimedDetector(make_detector(LandmarksConfig(max_faces=case.max_faces)))
        self._stage = LandmarksStage(LandmarksConfig(), self._detector)
        self._frames = [_back_and_forth(case.images) for _ in range(2)]
        self._rounds: list[tuple[float, ...]] = []
        self._bare_found: list[int] = []
        self._ours_found: list[int] = []
        with quiet_start():
            self._run_bare(WARM_UP_FRAMES)
            self._run_ours(WARM_UP_FRAMES)

    def run(self) -> None:
        """A block of frames each, the one and the other first in turn."""
        if len(self._rounds) % 2:
            ours = self._run_ours(FRAMES_A_ROUND)
            bare = self._run_bare(FRAMES_A_ROUND)
        else:
            bare = self._run_bare(FRAMES_A_ROUND)
            ours = self._run_ours(FRAMES_A_ROUND)
        self._rounds.append((*bare, *ours))

    def row(self) -> dict[str, Any]:
        """Medians over the rounds; the ratio is that of each round's two neighbouring blocks."""
        bare, bare_cpu, ours, ours_cpu, detector, confidence = np.median(self._rounds, axis=0).tolist()
        return {
            "part": "speed",
            "picture": self._case.picture,
            "faces": self._case.faces,
            "max_faces": self._case.max_faces,
            "bare_ms": bare * 1e3,
            "ours_ms": ours * 1e3,
            "fps_ratio": statistics.median(times[0] / times[2] for times in self._rounds),
            "bare_cpu_ms": bare_cpu * 1e3,
            "ours_cpu_ms": ours_cpu * 1e3,
            "detector_ms": detector * 1e3,
            "confidence_warm_ms": confidence * 1e3,
            "tracker_ms": (ours - detector) * 1e3,
            "bare_found": statistics.mean(self._bare_found),
            "ours_found": statistics.mean(self._ours_found),
        }

    def close(self) -> None:
        """Free all models."""
        self._bare.close()
        self._stage.close()

    def _run_bare(self, count: int) -> tuple[float, float]:
        """Seconds a frame: median, and mean of the processor's time in all threads."""
        times_s = []
        began_cpu_s = time.process_time()
        for frame in between(islice(self._frames[0], count), self._check):
            began_s = time.perf_counter()
            self._bare_found.append(self._bare.process(frame.image))
            times_s.append(time.perf_counter() - began_s)
        return statistics.median(times_s), (time.process_time() - began_cpu_s) / count

    def _run_ours(self, count: int) -> tuple[float, float, float, float]:
        """As for bare MediaPipe; then medians of the detector in it, and of the confidences in that."""
        stage_s, detector_s, faces = [], [], []
        began_cpu_s = time.process_time()
        for frame in between(islice(self._frames[1], count), self._check):
            began_s = time.perf_counter()
            result = self._stage.process(frame)
            stage_s.append(time.perf_counter() - began_s)
            detector_s.append(self._detector.last_s)
            faces.append(result.faces)
            self._ours_found.append(len(result.faces))
        cpu_s = (time.process_time() - began_cpu_s) / count
        confidence_s = [_confidence_s(found, self._case.images[0]) for found in faces]
        return statistics.median(stage_s), cpu_s, statistics.median(detector_s), statistics.median(confidence_s)


class TimedDetector:
    """A detector that remembers how long it took."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.model = detector.model
        self.last_s = 0.0

    def detect(self, image: Image) -> tuple[FaceLandmarks, ...]:
        """As the detector does."""
        began_s = time.perf_counter()
        faces = self._detector.detect(image)
        self.last_s = time.perf_counter() - began_s
        return faces

    def reset(self) -> None:
        """As the detector does."""
        self._detector.reset()

    def close(self) -> None:
        """As the detector does."""
        self._detector.close()


def _confidence_s(faces: tuple[FaceLandmarks, ...], image: Image) -> float:
    if not faces:
        return 0.0
    points, confidences = np.stack([face.points for face in faces]), [face.confidence for face in faces]
    height, width = image.shape[:2]
    began_s = time.perf_counter()
    point_confidence(points, width, height, confidences)
    return time.perf_counter() - began_s


def _back_and_forth(images: list[Image]) -> Iterator[Frame]:
    """The images on and on without a jump, stamped at the rate."""
    way = [*images, *images[-2:0:-1]]
    index = 0
    while True:
        yield Frame(Header(round(index * 1e9 / RATE_HZ), "bench"), way[index % len(way)])
        index += 1


def _without_part(rows: list[dict[str, Any]]) -> list[Row]:
    return [{key: value for key, value in row.items() if key != "part"} for row in rows]
