"""BIWI Kinect head pose: people turning their heads before a depth camera (Fanelli and others, 2013)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from face1d_ros.datasets.base import Card, Completeness, Floats, HeadPose, RealSequence, check_split
from face1d_ros.datasets.files import files_by_stem, first_folder, read_numbers, short_of, unpaired
from face1d_ros.datasets.images import ImageFiles

SUBJECTS = (
    *("F01", "F02", "F03", "F04", "F05", "F06", "M01", "M02", "M03", "M04", "M05", "M06", "M07", "M08", "F03", "M09"),
    *("M10", "F05", "M11", "M12", "F02", "M01", "M13", "M14"),
)
"""Of sequences 01 to 24: four people come twice."""
FRAMES = 15678


@dataclass(frozen=True, eq=False)
class Calibration:
    """One of the two cameras."""

    matrix: Floats
    """(3, 3) px."""
    distortion: Floats
    """(4,) of OpenCV."""
    rotation: Floats
    """(3, 3) from the depth camera's frame to this camera's."""
    translation_mm: Floats
    """(3,)."""


class Biwi:
    """Reads the Biwi Kinect head pose database."""

    card = Card(
        name="biwi",
        title="Biwi Kinect Head Pose Database",
        purpose="head pose on video: geodesic angle and position",
        content="24 sequences of 20 people, 15 678 frames of 640×480; rotation and centre of the head in each",
        layout="01/frame_00003_rgb.png with frame_00003_pose.txt …\n01/rgb.cal\n… to 24 (below the root or hpdb/)",
        licence="research only, not commercial",
        where="https://data.vision.ee.ethz.ch/cvl/gfanelli/head_pose/head_forest.html",
    )

    def __init__(self, root: Path) -> None:
        self.root = first_folder(root, "hpdb") or root

    def completeness(self) -> Completeness:
        """Each image has its pose, each sequence its calibration, and there are 15 678 frames."""
        missing: list[str] = []
        frames = there = 0
        for name in _names():
            images, poses = self._files(name)
            there += bool(images)
            frames += len(images.keys() & poses.keys())
            if not images and not poses:
                missing.append(f"{name}/")
                continue
            missing += unpaired(f"{name}/", images, poses, "_pose.txt")
            if not (self.root / name / "rgb.cal").is_file():
                missing.append(f"{name}/rgb.cal")
        missing += short_of("frames", frames, FRAMES)
        return Completeness({"sequences": there, "frames with pose": frames}, tuple(missing))

    def sequences(self, split: str = "") -> Iterator[RealSequence]:
        """Each folder is a sequence. Some of its frames were never published, so it has no rate."""
        check_split(self.card, split)
        for name, subject in zip(_names(), SUBJECTS, strict=True):
            images, poses = self._files(name)
            stems = sorted(images.keys() & poses.keys())
            if not stems or not (self.root / name / "rgb.cal").is_file():
                continue
            yield RealSequence(
                name=name,
                images=ImageFiles([images[stem] for stem in stems]),
                subject=subject,
                video=True,
                read_pose=partial(_pose, self.root / name / "rgb.cal", [poses[stem] for stem in stems]),
            )

    def _files(self, name: str) -> tuple[dict[str, Path], dict[str, Path]]:
        """By the frame's name: image, pose."""
        folder = self.root / name
        images = files_by_stem(folder, (".png",), r"frame_\d+_rgb")
        poses = files_by_stem(folder, (".txt",), r"frame_\d+_pose")
        return _by_frame(images), _by_frame(poses)


def read_calibration(path: Path) -> Calibration:
    """A `.cal` file: camera matrix, distortion, rotation, translation, size."""
    numbers = read_numbers(path, 25)
    return Calibration(
        numbers[:9].reshape(3, 3), numbers[9:13], numbers[13:22].reshape(3, 3), np.asarray(numbers[22:25])
    )


def _by_frame(files: Mapping[str, Path]) -> dict[str, Path]:
    return {stem.rsplit("_", 1)[0]: path for stem, path in files.items()}


def _names() -> list[str]:
    return [f"{number:02d}" for number in range(1, 25)]


def _pose(calibration: Path, paths: Sequence[Path]) -> HeadPose:
    """In the frame of the camera that took the images; files hold rotation and centre in the depth camera's."""
    camera = read_calibration(calibration)
    poses = np.stack([read_numbers(path, 12)[:12].reshape(4, 3) for path in paths])
    rotation = camera.rotation @ poses[:, :3]
    return HeadPose(rotation, poses[:, 3] @ camera.rotation.T + camera.translation_mm)
