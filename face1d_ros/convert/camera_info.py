"""sensor_msgs/CameraInfo as a camera; the message of ROS and that of a bag alike."""

from __future__ import annotations

from typing import Any

from face1d_ros.geometry.camera_model import Camera, calibrated_camera


def camera_of(message: Any) -> Camera | None:
    """The camera of the images as they come, after binning and region of interest; None where it is not calibrated.

    Raises GeometryError for a calibration that is none, or of a distortion model that is not known.
    """
    k = [float(value) for value in message.k]
    binning = max(int(message.binning_x), 1), max(int(message.binning_y), 1)
    roi = message.roi
    whole = roi.width == 0 or roi.height == 0
    size = (int(message.width), int(message.height)) if whole else (int(roi.width), int(roi.height))
    # The centre of pixel 0 is 0: binned by b, pixel 0 covers -0.5 to b - 0.5 of the full image.
    centre = [
        (c - o + 0.5) / b - 0.5 for c, o, b in zip((k[2], k[5]), (roi.x_offset, roi.y_offset), binning, strict=True)
    ]
    return calibrated_camera(
        (size[0] // binning[0], size[1] // binning[1]),
        (k[0] / binning[0], k[4] / binning[1]),
        (centre[0], centre[1]),
        message.distortion_model,
        [float(value) for value in message.d],
    )
