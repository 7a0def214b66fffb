"""Frames from a camera, a video, an image folder, a bag, or the animated portrait."""

from __future__ import annotations

import re
from collections.abc import Callable

from face1d_ros.config import CameraConfig
from face1d_ros.errors import SourceNotFoundError, SourceUnreadableError
from face1d_ros.paths import user_path
from face1d_ros.sources.bag_topics import is_bag
from face1d_ros.sources.base import Source, check_exists

PORTRAIT = "portrait"
DEVICE = re.compile(r"/dev/.+")


def open_source(
    source: str,
    *,
    clock: Callable[[], int],
    width: int = 640,
    height: int = 480,
    rate_hz: float = 30.0,
    loop: bool = False,
    frame_id: str = "",
    image_topic: str = "",
) -> Source:
    """The source of this name: 'portrait', a device or its number, a video, an image, a folder, a bag.

    Width, height and rate are those of the portrait, and asked of a camera; image folders play at the
    rate. `clock` (ns) stamps the frames of a camera; all others bring their own stamps.
    """
    if source == PORTRAIT:
        from face1d_ros.sources.portrait import AnimatedPortrait

        return AnimatedPortrait(width=width, height=height, rate_hz=rate_hz, frame_id=frame_id)
    if source.isdecimal() or DEVICE.fullmatch(source):
        from face1d_ros.sources.camera import V4l2Camera

        device = f"/dev/video{source}" if source.isdecimal() else source
        return V4l2Camera(device, width=width, height=height, rate_hz=rate_hz, clock=clock, frame_id=frame_id)
    if not source:
        raise _nothing_there(source)
    try:
        return _open_path(source, rate_hz, loop, frame_id, image_topic)
    except OSError as error:  # between two looks at it, a file may vanish and a disk fail
        raise SourceUnreadableError(source, f"cannot be read: {error.strerror or error}") from error


def open_configured(camera: CameraConfig, *, clock: Callable[[], int]) -> Source:
    """The source that these settings name; `clock` as for `open_source`."""
    return open_source(
        camera.source,
        clock=clock,
        width=camera.width,
        height=camera.height,
        rate_hz=camera.rate_hz,
        loop=camera.loop,
        frame_id=camera.frame_id,
        image_topic=camera.image_topic,
    )


def _open_path(source: str, rate_hz: float, loop: bool, frame_id: str, image_topic: str) -> Source:
    try:
        path = check_exists(user_path(source))
    except SourceNotFoundError as error:
        raise _nothing_there(source) from error
    if is_bag(path):
        from face1d_ros.sources.bag import BagTopic

        return BagTopic(path, topic=image_topic, frame_id=frame_id, loop=loop)
    from face1d_ros.sources.folder import EXTENSIONS, ImageFolder

    if path.is_dir() or path.suffix.lower() in EXTENSIONS:
        return ImageFolder(path, rate_hz=rate_hz, frame_id=frame_id, loop=loop)
    from face1d_ros.sources.video import VideoFile

    return VideoFile(path, frame_id=frame_id, loop=loop)


def _nothing_there(source: str) -> SourceNotFoundError:
    from face1d_ros.sources.camera import existing_devices

    choice = f"give '{PORTRAIT}', a camera (here: {existing_devices()}), or the path of a video file, "
    return SourceNotFoundError(source, choice + "an image folder or a rosbag2")
