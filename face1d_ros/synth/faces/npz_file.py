"""Arrays out of .npz files of unknown origin: sizes and types are known before anything is read, pickle never is."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import FaceModelFileError

LARGEST_BYTES = 1 << 30
"""All arrays of a file together, unpacked. The largest known model (BFM 2019, all coefficients) takes 0.3 GB."""
SUFFIX = ".npy"
ZIP_START = b"PK\x03\x04"


def array_names(path: Path) -> frozenset[str]:
    """The names of the arrays in the file, without reading them."""
    with _opened(path) as archive:
        return frozenset(name.removesuffix(SUFFIX) for name in archive.namelist() if name.endswith(SUFFIX))


def read_arrays(path: Path, needed: Collection[str], optional: Collection[str] = ()) -> dict[str, NDArray[Any]]:
    """The needed arrays, and those of the optional ones that are there."""
    with _opened(path) as archive:
        present = {name.removesuffix(SUFFIX) for name in archive.namelist()}
        missing = sorted(set(needed) - present)
        if missing:
            raise FaceModelFileError(path, f"no array {', '.join(missing)}", f"arrays {', '.join(sorted(needed))}")
        wanted = [name for name in (*needed, *optional) if name in present]
        total = sum(archive.getinfo(name + SUFFIX).file_size for name in wanted)
        if total > LARGEST_BYTES:
            raise FaceModelFileError(path, f"{total >> 20} MB of arrays", f"at most {LARGEST_BYTES >> 20} MB")
        try:
            return {name: _read(archive, name, path) for name in wanted}
        except (OSError, EOFError, ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise FaceModelFileError(path, f"damaged ({error})", "a whole .npz file of plain numbers") from error


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        with path.open("rb") as stream:
            if stream.read(4) != ZIP_START:
                raise FaceModelFileError(path, "not a .npz file", "one written by numpy.savez")
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise FaceModelFileError(path, f"not a whole .npz file ({error})", "one written by numpy.savez") from error


def _read(archive: zipfile.ZipFile, name: str, path: Path) -> NDArray[Any]:
    """One array, whose header must agree with its size: a header of its own would reserve any amount of memory."""
    size = archive.getinfo(name + SUFFIX).file_size
    with archive.open(name + SUFFIX) as stream:
        shape, dtype = _header(stream)
        if dtype.hasobject or dtype.kind not in "fiuUb":
            raise FaceModelFileError(path, f"array {name} of type {dtype}", "plain numbers or text, nothing pickled")
        if math.prod(shape) * dtype.itemsize != size - stream.tell():
            raise FaceModelFileError(path, f"array {name} {shape} does not match its size", "a whole .npz file")
    with archive.open(name + SUFFIX) as stream:
        array: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    return array


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
    else:
        raise ValueError(f"array format {version}")
    return shape, dtype
