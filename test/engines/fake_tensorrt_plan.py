"""What stands for a plan of TensorRT: bytes that only the version and device that made them take."""

from __future__ import annotations

import hashlib
import json
from typing import Any

MAGIC = b"stand-in plan\n"


def make_plan(trt: Any, model: bytes, shapes: dict[str, Any], *, strong: bool, tf32: bool) -> bytes:
    """What stands for a plan: the model and what a plan depends on, with a hash."""
    properties = trt.cuda.properties
    header = {
        "version": trt.__version__,
        "device": [properties["name"], properties["major"], properties["minor"]],
        "shapes": {name: list(three) for name, three in shapes.items()},
        "strong": strong,
        "tf32": tf32,
    }
    body = json.dumps(header).encode() + b"\n" + model
    return MAGIC + hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def read_plan(trt: Any, data: bytes) -> dict[str, Any] | None:
    """Back again. The real one would run any bytes as code: any that are not of its own making are wrong use."""
    digest, _, body = data.removeprefix(MAGIC).partition(b"\n")
    if not data.startswith(MAGIC) or hashlib.sha256(body).hexdigest().encode() != digest:
        trt.wrong.append("deserialised bytes that it did not make")
        return None
    head, _, model = body.partition(b"\n")
    header = json.loads(head)
    properties = trt.cuda.properties
    device = [properties["name"], properties["major"], properties["minor"]]
    if header["version"] != trt.__version__ or header["device"] != device:
        return None
    return {**header, "onnx": model}
