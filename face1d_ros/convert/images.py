"""ROS images to frames and back."""

from __future__ import annotations

from array import array
from typing import Any

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage, Image

from face1d_ros.convert.compressed import decode
from face1d_ros.convert.messages import from_message, to_message
from face1d_ros.convert.pixels import check_size, pixels_of
from face1d_ros.errors import ConversionError, ImageError
from face1d_ros.types import Frame, Header

JPEG_QUALITY = 90
_FROM_RGB = {"rgb8": None, "bgr8": cv2.COLOR_RGB2BGR, "mono8": cv2.COLOR_RGB2GRAY}
_COMPRESSED = {"jpeg": (".jpg", [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]), "png": (".png", [])}


def image_to_frame(message: Any) -> Frame:
    """A frame of a sensor_msgs/Image; for rgb8 its pixels are a view of the message. Raises ImageError."""
    return Frame(_header(message), pixels_of(message))


def compressed_to_frame(message: Any) -> Frame:
    """A frame of a sensor_msgs/CompressedImage. Raises ImageError."""
    return Frame(_header(message), decode(message.data, message.format))


def frame_to_image(frame: Frame, encoding: str = "rgb8") -> Any:
    """A sensor_msgs/Image. Raises ConversionError."""
    if encoding not in _FROM_RGB:
        raise ConversionError("encoding", encoding, f"one of {', '.join(_FROM_RGB)}")
    pixels = _checked(frame)
    code = _FROM_RGB[encoding]
    if code is not None:
        pixels = cv2.cvtColor(pixels, code)
    pixels = np.ascontiguousarray(pixels)
    message = Image(header=to_message(frame.header), encoding=encoding)
    message.height, message.width = pixels.shape[:2]
    message.step = pixels.nbytes // message.height
    message.data = _bytes(pixels)
    return message


def frame_to_compressed(frame: Frame, kind: str = "jpeg") -> Any:
    """A sensor_msgs/CompressedImage, "jpeg" or "png". Raises ConversionError."""
    if kind not in _COMPRESSED:
        raise ConversionError("kind", kind, f"one of {', '.join(_COMPRESSED)}")
    suffix, options = _COMPRESSED[kind]
    _, data = cv2.imencode(suffix, cv2.cvtColor(_checked(frame), cv2.COLOR_RGB2BGR), options)
    message = CompressedImage(header=to_message(frame.header), format=f"rgb8; {kind} compressed bgr8")
    message.data = _bytes(data)
    return message


def _header(message: Any) -> Header:
    try:
        header: Header = from_message(message.header)
    except ConversionError as error:
        raise ImageError("header", str(error)) from None
    return header


def _checked(frame: Frame) -> Any:
    image = frame.image
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        came = f"{getattr(image, 'dtype', type(image).__name__)} {getattr(image, 'shape', '')}"
        raise ConversionError("Frame.image", came.strip(), "an array of uint8 with shape (height, width, 3)")
    try:
        check_size(image.shape[1], image.shape[0])
    except ImageError as error:
        raise ConversionError("Frame.image", f"shape {image.shape}", str(error)) from None
    return image


def _bytes(values: Any) -> Any:
    """array.array('B'): the one form that a message takes without looking at every byte."""
    data = array("B")
    data.frombytes(memoryview(values).cast("B"))
    return data
