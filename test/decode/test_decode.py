"""Coefficients to vertices and files, with a face model small enough to compute by hand."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from face1d_ros.convert.bag import definition, to_bytes
from face1d_ros.decode import Coefficients, decode, read_coefficients
from face1d_ros.decode.files import write_glb, write_npz, write_obj
from face1d_ros.decode.vertices import is_exact
from face1d_ros.errors import CoefficientsError, FaceModelError
from face1d_ros.replay.bag_file import BagFile
from face1d_ros.synth.faces.anchors import Anchors
from face1d_ros.synth.faces.model import FaceModel
from face1d_ros.types import FaceMesh, FaceMeshArray, Header

NAMES = ("jawOpen", "mouthSmile_L", "mouthSmile_R")
NO_ANCHORS = Anchors(np.zeros((0, 3), np.intp), np.zeros((0, 3), np.float32))
T = 4
SHARPEST = 2
"""Frame up to which the identity was known best: then the track began anew."""


@pytest.fixture
def model() -> FaceModel:
    rng = np.random.default_rng(1)
    mean, identity, expression = (rng.normal(size=shape).astype(np.float32) for shape in ((5, 3), (3, 5, 3), (3, 5, 3)))
    triangles = np.array([[0, 1, 2], [2, 3, 4]], np.intp)
    return FaceModel("tiny", "ab" * 32, mean, identity, expression, NAMES, triangles, NO_ANCHORS, NO_ANCHORS)


def made(**changes: Any) -> Coefficients:
    rng = np.random.default_rng(2)
    values: dict[str, Any] = {
        "identity": np.array([1.0, -2.0], np.float32),
        "expression": rng.random((T, 3)).astype(np.float32),
        "expression_names": NAMES,
        "stamps_s": np.arange(T) / 30.0,
        "basis": "tiny",
        "basis_sha256": "ab" * 32,
    }
    return Coefficients(**{**values, **changes})


def test_vertices_are_the_sum_of_the_shapes_in_the_order_of_their_names(model: FaceModel):
    swapped = made(expression_names=("mouthSmile_R", "jawOpen", "mouthSmile_L"))
    found = decode(swapped, model)
    at = swapped.expression[2]
    expected = model.mean_mm + model.identity_mm[0] - 2.0 * model.identity_mm[1]
    expected = (
        expected + at[1] * model.expression_mm[0] + at[2] * model.expression_mm[1] + at[0] * model.expression_mm[2]
    )
    assert found.shape == (T, 5, 3)
    np.testing.assert_allclose(found[2], expected, atol=1e-5)


def test_coefficients_of_another_face_model_are_refused_and_another_copy_is_told(model: FaceModel):
    with pytest.raises(CoefficientsError, match="coefficients of 'FLAME'"):
        decode(made(basis="FLAME"), model)
    with pytest.raises(FaceModelError, match="tongueOut"):
        decode(made(expression_names=("tongueOut", *NAMES[1:])), model)
    assert is_exact(made(), model) and not is_exact(made(basis_sha256="cd" * 32), model)


@pytest.mark.parametrize("suffix", ["npz", "json"])
def test_files_are_read_as_they_were_meant(tmp_path: Path, suffix: str):
    path, wanted = tmp_path / f"face.{suffix}", made()
    if suffix == "npz":
        np.savez(path, **{**vars(wanted), "expression_names": np.array(NAMES)})
    else:
        path.write_text(
            json.dumps({k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in vars(wanted).items()})
        )
    read = read_coefficients(path)
    np.testing.assert_allclose(read.expression, wanted.expression)
    np.testing.assert_allclose(read.identity, wanted.identity)
    assert (read.expression_names, read.basis, read.basis_sha256) == (NAMES, "tiny", "ab" * 32)


def record(path: Path, *topics: str) -> None:
    """Track 7 in all frames, 9 in one; identity is the number of the frame."""
    kind = "face1d_ros/msg/FaceMeshArray"
    bag = BagFile(path)
    for topic in topics or ("/face1d/mesh",):
        bag.add_topic(topic, kind, *definition(kind))
        for index in range(T):
            faces = tuple(
                FaceMesh(
                    track_id=i,
                    identity=np.full(2, index, np.float32),
                    identity_frames=10 if index <= SHARPEST else 1,
                    expression=np.full(3, 0.1 * i, np.float32),
                )
                for i in ((7, 9) if index == 1 else (7,))
            )
            stamp_ns = 10**18 + index * 40_000_000
            bag.write(topic, stamp_ns, to_bytes(FaceMeshArray(Header(stamp_ns), "tiny", "ab" * 32, NAMES, faces)))
    bag.close()


def test_of_several_topics_one_must_be_named_and_a_bag_that_was_cut_off_is_told(tmp_path: Path):
    record(tmp_path / "two", "/left/face1d/mesh", "/right/face1d/mesh")
    with pytest.raises(CoefficientsError, match="topics /left/face1d/mesh, /right/face1d/mesh, expected one"):
        read_coefficients(tmp_path / "two")
    assert len(read_coefficients(tmp_path / "two", topic="left/face1d/mesh").stamps_s) == T
    (file,) = (tmp_path / "two").glob("*.mcap")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(CoefficientsError, match="no readable bag"):
        read_coefficients(tmp_path / "two", topic="left/face1d/mesh")


def test_of_a_bag_the_face_is_taken_that_was_seen_most_or_the_one_named(tmp_path: Path):
    record(tmp_path / "bag")
    most, named = read_coefficients(tmp_path / "bag"), read_coefficients(tmp_path / "bag", 9)
    np.testing.assert_allclose(most.stamps_s, np.arange(T) * 0.04, atol=1e-6)
    np.testing.assert_allclose(most.identity, SHARPEST)
    assert named.expression.shape == (1, 3)
    with pytest.raises(CoefficientsError, match="no track 8, expected one of 7, 9"):
        read_coefficients(tmp_path / "bag", 8)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"stamps_s": np.zeros(T)}, "do not rise"),
        ({"expression": np.zeros((T, 2), np.float32)}, r"expression \(4, 2\)"),
        ({"identity": np.array([np.nan], np.float32)}, "identity: got values that are not finite"),
        ({"expression": np.full((T, 3), 2e3, np.float32)}, "expression: got 2000, expected at most 100"),
        ({"stamps_s": np.array(0.0)}, r"stamps \(\)"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], says: str):
    with pytest.raises(CoefficientsError, match=says):
        made(**changes)


@pytest.mark.parametrize(
    "wrong",
    [
        {"expression_names": 5},
        {"expression": "abc"},
        {"expression": [[0.1], [0.2, 0.3]]},
        {"identity": {"a": 1}},
        {"stamps_s": None},
        {"expression": [[0.1, 0.2, None]]},
        {"identity": [10**400]},
    ],
)
def test_fields_of_another_kind_are_refused(tmp_path: Path, wrong: dict[str, Any]):
    path = tmp_path / "face.json"
    path.write_text(json.dumps({"identity": [0.0], "expression": [[0.1, 0.2, 0.3]], "expression_names": NAMES} | wrong))
    with pytest.raises(CoefficientsError):
        read_coefficients(path)


def test_stamps_count_from_the_first_frame(tmp_path: Path):
    path = tmp_path / "face.json"
    fields = {"identity": [0.0], "expression": [[0.1, 0.2, 0.3]] * 2, "expression_names": NAMES}
    path.write_text(json.dumps({**fields, "stamps_s": [1.7e9, 1.7e9 + 0.04]}))
    np.testing.assert_allclose(read_coefficients(path).stamps_s, [0.0, 0.04], atol=1e-6)


@pytest.mark.parametrize("damage", ["cut off", "a byte changed", "empty", "pickled", "no zip"])
def test_a_damaged_npz_is_refused(tmp_path: Path, damage: str):
    path = tmp_path / "face.npz"
    arrays = {**vars(made()), "expression_names": np.array(NAMES)}
    if damage == "pickled":
        arrays["expression"] = np.array([{}], object)
    np.savez(path, **arrays)
    data = bytearray(path.read_bytes())
    if damage == "a byte changed":
        data[data.index(made().expression.tobytes()) + 2] ^= 0xFF
    path.write_bytes({"cut off": data[:-200], "empty": b"", "no zip": b"face" * 99}.get(damage, data))
    with pytest.raises(CoefficientsError, match=r"face\.npz: got"):
        read_coefficients(path)


def test_a_file_of_something_else_is_refused(tmp_path: Path):
    path = tmp_path / "other.json"
    path.write_text('{"frames": []}')
    with pytest.raises(CoefficientsError, match="got frames, expected fields identity"):
        read_coefficients(path)
    path.write_text("{")
    with pytest.raises(CoefficientsError, match="no such content"):
        read_coefficients(path)


def test_a_frame_alone_is_decoded_as_among_the_others(model: FaceModel):
    every = decode(made(), model)
    for index in (0, 2, -1):
        np.testing.assert_allclose(decode(made().frame(index), model)[0], every[index], atol=1e-5)
    assert len(made().frame(-1).stamps_s) == 1


def test_an_npz_holds_all_frames(tmp_path: Path, model: FaceModel):
    write_npz(tmp_path / "faces", made(), model)
    with np.load(tmp_path / "faces") as file:
        np.testing.assert_array_equal(file["vertices_mm"], decode(made(), model))
        np.testing.assert_array_equal(file["triangles"], model.triangles)


def test_an_obj_holds_one_frame_in_metres_with_y_up(tmp_path: Path, model: FaceModel):
    vertices = decode(made(), model)[0]
    write_obj(tmp_path / "face.obj", vertices, model.triangles)
    lines = (tmp_path / "face.obj").read_text().splitlines()
    points = np.array([line.split()[1:] for line in lines if line.startswith("v ")], float)
    np.testing.assert_allclose(points, vertices * (0.001, -0.001, -0.001), atol=1e-6)
    assert lines[-2:] == ["f 1 2 3", "f 3 4 5"]


def test_a_glb_moves_as_the_vertices_do(tmp_path: Path, model: FaceModel):
    coefficients = made()
    write_glb(tmp_path / "face.glb", coefficients, model)
    data = (tmp_path / "face.glb").read_bytes()
    magic, version, length, text_length = struct.unpack_from("<IIII", data)
    assert (magic, version, length) == (0x46546C67, 2, len(data))
    document = json.loads(data[20 : 20 + text_length])
    binary = data[20 + text_length + 8 :]

    def array(number: int) -> np.ndarray:
        accessor = document["accessors"][number]
        view = document["bufferViews"][accessor["bufferView"]]
        dtype = {5126: "<f4", 5125: "<u4"}[accessor["componentType"]]
        values = np.frombuffer(binary[view["byteOffset"] :][: view["byteLength"]], dtype)
        return values.reshape(accessor["count"], -1)

    (mesh,) = document["meshes"]
    (primitive,) = mesh["primitives"]
    (sampler,) = document["animations"][0]["samplers"]
    weights = array(sampler["output"]).reshape(T, 3)
    rest = array(primitive["attributes"]["POSITION"])
    shapes = np.stack([array(target["POSITION"]) for target in primitive["targets"]])
    moved = rest + np.einsum("tk,kvc->tvc", weights, shapes)
    np.testing.assert_allclose(moved, decode(coefficients, model) * (0.001, -0.001, -0.001), atol=1e-7)
    np.testing.assert_allclose(array(sampler["input"])[:, 0], coefficients.stamps_s, atol=1e-6)
    assert mesh["extras"]["targetNames"] == list(NAMES)
    assert array(primitive["indices"]).ravel().tolist() == [0, 1, 2, 2, 3, 4]
