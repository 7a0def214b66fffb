"""What is known of a source's camera, as a CameraInfo message."""

from __future__ import annotations

from sensor_msgs.msg import CameraInfo

from face1d_ros.geometry.camera_model import Camera
from face1d_ros.sources.base import Source
from face1d_ros.sources.calibration import load_calibration


def camera_info_of(source: Source, path: str) -> CameraInfo:
    """From the file, if one is named; else what the source itself brings; else its size alone.

    Zeros in K say "not calibrated", as sensor_msgs/CameraInfo asks for.
    """
    width, height = source.width, source.height
    if path:
        read = load_calibration(path, width, height)
        return CameraInfo(
            width=width,
            height=height,
            distortion_model=read.distortion_model,
            d=read.d,
            k=read.k,
            r=read.r,
            p=read.p,
        )
    return CameraInfo(width=width, height=height) if source.camera is None else _of_camera(source.camera)


def _of_camera(camera: Camera) -> CameraInfo:
    """Of images that are not rectified: its axes stay, and so does its matrix."""
    (fx, fy), (cx, cy) = camera.focal_px, camera.centre_px
    return CameraInfo(
        width=camera.width,
        height=camera.height,
        distortion_model=camera.distortion_model,
        d=camera.distortion,
        k=[fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0],
        r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p=[fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
    )
