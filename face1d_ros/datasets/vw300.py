"""300VW: videos in the wild with 68 points in every frame (Shen and others, 2015)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from face1d_ros.datasets.base import Card, Completeness, Floats, RealSequence, check_split
from face1d_ros.datasets.files import files_by_stem, gaps, read_mat, read_pts
from face1d_ros.datasets.images import VideoImages, video_length
from face1d_ros.errors import DatasetFileError

SCENARIOS = {
    "scenario 1": "114 124 125 126 150 158 401 402 505 506 507 508 509 510 511 514 515 518 519 520 521 522 524 525 537 "
    "538 540 541 546 547 548",
    "scenario 2": "203 208 211 212 213 214 218 224 403 404 405 406 407 408 409 412 550 551 553",
    "scenario 3": "410 411 516 517 526 528 529 530 531 533 557 558 559 562",
    "train": "001 002 003 004 007 009 010 011 013 015 016 017 018 019 020 022 025 027 028 029 031 033 034 035 037 039 "
    "041 043 044 046 047 048 049 053 057 059 112 113 115 119 120 123 138 143 144 160 204 205 223 225",
}
"""Videos of each split. Scenario 1 is well lit, 2 is not, and in 3 nothing is constrained."""


class VW300:
    """Reads 300VW."""

    card = Card(
        name="300vw",
        title="300 Videos in the Wild",
        purpose="landmark error, stability, jitter and lag on video",
        content="114 videos of about a minute, 218 595 frames: 50 to train, 64 to test in three scenarios",
        layout="001/vid.avi\n001/annot/000001.pts …, one a frame\n… to 562\n"
        "extra/<video>.mat (may be left out): numbers of frames whose points are not reliable",
        licence="research only, not commercial; asked for by a form",
        where="https://ibug.doc.ic.ac.uk/resources/300-VW/",
        splits=tuple(SCENARIOS),
        paper="1DFormer: NRMSE and stability error on the three scenarios, all 68 points",
    )

    def __init__(self, root: Path) -> None:
        nested = root / "300VW_Dataset_2015_12_14"
        self.root = nested if nested.is_dir() else root

    def completeness(self) -> Completeness:
        """Each video, and points for each of its frames."""
        missing: list[str] = []
        videos = frames = 0
        for name in " ".join(SCENARIOS.values()).split():
            folder = self.root / name
            numbers = [int(stem) for stem in _points_of(folder)]
            length = video_length(folder / "vid.avi")
            videos += length > 0
            frames += len(numbers)
            if not length:
                missing.append(f"{name}/vid.avi" + (" (cannot be opened)" if (folder / "vid.avi").is_file() else ""))
            last = max([length, *numbers])
            if not last:
                missing.append(f"{name}/annot/")
            missing += [f"{name}/annot/{number:06d}.pts" for number in gaps(numbers, 1, last)]
            if length and len(numbers) > length:
                missing.append(f"{name}/vid.avi: {length} frames of {len(numbers)} with points")
        return Completeness({"videos": videos, "frames with points": frames}, tuple(missing))

    def sequences(self, split: str = "") -> Iterator[RealSequence]:
        """Each video is a sequence; whose face it is the dataset does not say, and no video is in two splits."""
        check_split(self.card, split)
        for part, names in SCENARIOS.items():
            for name in names.split():
                video = self.root / name / "vid.avi"
                if (split and part != split) or not video.is_file() or not _points_of(video.parent):
                    continue
                yield RealSequence(
                    name=name,
                    images=VideoImages(video),
                    split=part,
                    video=True,
                    point_count=68,
                    read_landmarks=partial(self._landmarks, name),
                )

    def _landmarks(self, name: str) -> Floats:
        """(T, 68, 2); NaN in frames without points and in those that the dataset itself calls unreliable."""
        files = _points_of(self.root / name)
        length = max(video_length(self.root / name / "vid.avi"), max(int(stem) for stem in files))
        points = np.full((length, 68, 2), np.nan)
        for stem, path in files.items():
            found = read_pts(path)
            if found.shape[0] != 68:
                raise DatasetFileError(path, f"{found.shape[0]} points", "68")
            points[int(stem) - 1] = found
        bad = self.root / "extra" / f"{name}.mat"
        if bad.is_file():
            numbers = read_mat(bad, "error")[0].ravel().astype(int)
            points[numbers[(numbers >= 1) & (numbers <= length)] - 1] = np.nan
        return points


def _points_of(folder: Path) -> dict[str, Path]:
    files = files_by_stem(folder / "annot", (".pts",), r"\d+")
    return {stem: path for stem, path in files.items() if int(stem) > 0}
