"""Coefficients to vertices, for whoever has the face model that they belong to."""

from face1d_ros.decode.coefficients import Coefficients, read_coefficients
from face1d_ros.decode.vertices import decode

__all__ = ["Coefficients", "decode", "read_coefficients"]
