"""AFLW2000-3D: single images with 68 points in 3D and head pose (Zhu and others, 2016)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from face1d_ros.datasets.base import Card, Completeness, Floats, HeadPose, RealSequence, check_split, damaged
from face1d_ros.datasets.files import files_by_stem, first_folder, read_mat, short_of, unpaired
from face1d_ros.datasets.images import ImageFiles
from face1d_ros.errors import DatasetFileError

IMAGES = 2000
FLIP = np.diag([1.0, -1.0, -1.0])
"""From the model's axes (y up, z to the camera) to the optical frame (y down, z away), and back."""


class Aflw2000:
    """Reads AFLW2000-3D."""

    card = Card(
        name="aflw2000",
        title="AFLW2000-3D",
        purpose="3D landmark error (NME, GTE) and head pose on single images, by yaw",
        content="2000 images of 450×450; 68 points in 3D and the pose of a fitted model",
        layout="image00002.jpg with image00002.mat (pt3d_68, Pose_Para) … 2000 pairs",
        licence="research only, not commercial",
        where="http://www.cbsr.ia.ac.cn/users/xiangyuzhu/projects/3DDFA/main.htm",
        splits=("yaw 0-30", "yaw 30-60", "yaw 60-90"),
        paper="ParFace-Net: NME and GTE by yaw",
    )

    def __init__(self, root: Path) -> None:
        self.root = first_folder(root, "AFLW2000") or root

    def completeness(self) -> Completeness:
        """Each image has its .mat file, and there are 2000."""
        images, mats = self._files()
        missing = [*unpaired("", images, mats, ".mat"), *short_of("images", len(images), IMAGES)]
        return Completeness({"images": len(images), "files of points": len(mats)}, tuple(missing))

    def sequences(self, split: str = "") -> Iterator[RealSequence]:
        """Each image is a sequence of one; its split is that of its yaw to either side."""
        check_split(self.card, split)
        images, mats = self._files()
        for stem in sorted(images.keys() & mats.keys()):
            try:
                yaw_deg = abs(np.degrees(_angles_rad(mats[stem])[1]))
            except DatasetFileError as error:
                yield damaged(stem, ImageFiles([images[stem]]), error, point_count=68)
                continue
            part = self.card.splits[0 if yaw_deg <= 30.0 else 1 if yaw_deg <= 60.0 else 2]
            if split and part != split:
                continue
            yield RealSequence(
                name=stem,
                images=ImageFiles([images[stem]]),
                split=part,
                point_count=68,
                read_landmarks=partial(_landmarks, mats[stem]),
                read_pose=partial(_pose, mats[stem]),
            )

    def _files(self) -> tuple[dict[str, Path], dict[str, Path]]:
        return files_by_stem(self.root, (".jpg",)), files_by_stem(self.root, (".mat",))


def _landmarks(path: Path) -> Floats:
    """(1, 68, 3) px; the file counts pixels from 1, and depth towards the camera."""
    points = read_mat(path, "pt3d_68")[0]
    if points.shape != (3, 68) or not np.isfinite(points).all():
        raise DatasetFileError(path, f"pt3d_68 of shape {points.shape}", "(3, 68), finite")
    return np.asarray((points.T * [1.0, 1.0, -1.0] - [1.0, 1.0, 0.0])[None])


def _pose(path: Path) -> HeadPose:
    """Pitch, yaw and roll are those of 3DDFA: R = Rx Ry Rz of the model's axes, each turning the other way round."""
    pitch, yaw, roll = _angles_rad(path)
    turned = _about(0, -pitch) @ _about(1, -yaw) @ _about(2, -roll)
    return HeadPose((FLIP @ turned @ FLIP)[None], own_angles_rad=np.array([[pitch, yaw, roll]]))


def _about(axis: int, angle_rad: float) -> Floats:
    """(3, 3) right-handed rotation about one axis."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    a, b = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[a, a], matrix[b, b], matrix[a, b], matrix[b, a] = c, c, -s, s
    return matrix


def _angles_rad(path: Path) -> Floats:
    pose = read_mat(path, "Pose_Para")[0].ravel()
    if pose.size < 3 or not np.isfinite(pose[:3]).all():
        raise DatasetFileError(path, f"Pose_Para with {pose.size} values", "pitch, yaw, roll and more, finite")
    return pose[:3]
