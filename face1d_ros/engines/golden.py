"""`golden.npz`: inputs of a model and the outputs that the training framework gave for them."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Callable, Iterable
from typing import TypeAlias

import numpy as np

from face1d_ros.engines.engine import Array
from face1d_ros.engines.manifest import MAX_FACES, Manifest, TensorSpec
from face1d_ros.errors import BundleError

Refuse: TypeAlias = Callable[[str, object, str], BundleError]
INPUT, OUTPUT = "in.", "out."
NPY_DTYPES = frozenset({"<f4", "<f2", "<i8", "|b1"})


def read_golden(data: bytes, manifest: Manifest, refuse: Refuse) -> tuple[dict[str, Array], dict[str, Array]]:
    """Inputs and outputs by name, of the shapes the manifest gives, for the same number of faces."""
    arrays = _arrays(data, refuse)
    inputs = _named(arrays, INPUT, manifest.inputs, refuse)
    outputs = _named(arrays, OUTPUT, manifest.outputs, refuse)
    if len(inputs) + len(outputs) != len(arrays):
        raise refuse("golden.npz", f"arrays {sorted(arrays)}", "one for each input and output")
    faces = len(next(iter(inputs.values())))
    if not 1 <= faces <= MAX_FACES:
        raise refuse("golden.npz", f"{faces} faces", f"1 to {MAX_FACES}")
    specs = manifest.shapes
    for name, array in (*inputs.items(), *outputs.items()):
        expected = specs[name].sized(faces)
        if array.shape != expected or array.dtype.name != specs[name].dtype:
            came = f"{array.dtype.name} {array.shape}"
            raise refuse(f"golden.npz: {name}", came, f"{specs[name].dtype} {expected}")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise refuse(f"golden.npz: {name}", "values that are not finite", "finite values")
    return inputs, outputs


def golden_bytes(inputs: dict[str, Array], outputs: dict[str, Array]) -> bytes:
    """The file; the same bytes for the same arrays."""
    buffer = io.BytesIO()
    named = {INPUT + key: value for key, value in inputs.items()} | {OUTPUT + k: v for k, v in outputs.items()}
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, value in named.items():
            part = io.BytesIO()
            np.lib.format.write_array(part, np.ascontiguousarray(value), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{key}.npy"), part.getvalue(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _named(arrays: dict[str, Array], prefix: str, specs: Iterable[TensorSpec], refuse: Refuse) -> dict[str, Array]:
    missing = [spec.name for spec in specs if prefix + spec.name not in arrays]
    if missing:
        raise refuse("golden.npz", f"nothing for {prefix}{missing[0]}", "an array for each input and output")
    return {spec.name: arrays[prefix + spec.name] for spec in specs}


def _arrays(data: bytes, refuse: Refuse) -> dict[str, Array]:
    """What is in the archive; a header that promises more than there is is refused before memory is asked for."""
    limit = 64 * len(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > limit:
                raise refuse("golden.npz", "an archive that unpacks to many times its size", f"{limit} bytes at most")
            return {m.filename.removesuffix(".npy"): _array(archive.read(m)) for m in members}
    except (zipfile.BadZipFile, ValueError, EOFError, OSError, RuntimeError, NotImplementedError) as error:
        raise refuse("golden.npz", f"what is no archive of arrays: {error}", "an .npz file") from error


def _array(data: bytes) -> Array:
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        raise ValueError(f"array format {version}")
    shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.str not in NPY_DTYPES or fortran_order:
        raise ValueError(f"an array of {dtype}")
    rest = data[stream.tell() :]
    if math.prod(shape) * dtype.itemsize != len(rest):
        raise ValueError(f"{len(rest)} bytes for an array {shape} of {dtype}")
    return np.frombuffer(rest, dtype).reshape(shape)
