"""`face1d mesh decode` with ICT-FaceKit."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from synth.small_face import ICT_PACK

from face1d_ros.cli.main import face1d
from face1d_ros.errors import CoefficientsError, FaceModelMissingError

needs_ict = pytest.mark.skipif(not ICT_PACK.is_file(), reason=f"ICT-FaceKit's pack is not at {ICT_PACK}")


@pytest.fixture
def coefficients(tmp_path: Path) -> Path:
    path = tmp_path / "face.json"
    fields = {
        "identity": [1.0, -0.5],
        "expression_names": ["jawOpen", "mouthSmile_L"],
        "expression": [[0.0, 0.0], [0.8, 0.3]],
        "basis": "ICT-FaceKit",
        "basis_sha256": "0" * 64,
    }
    path.write_text(json.dumps(fields))
    return path


def decode(*arguments: object) -> Result:
    return CliRunner().invoke(face1d, ["mesh", "decode", *map(str, arguments)])


@needs_ict
def test_everything_is_written_and_another_copy_is_told(coefficients: Path, tmp_path: Path):
    files = {"--obj": "face.obj", "--gltf": "face.glb", "--picture": "face.png", "--npz": "face.npz"}
    options = [word for option, name in files.items() for word in (option, tmp_path / name)]
    result = decode(coefficients, "--face-model", ICT_PACK, *options)
    assert result.exit_code == 0, result.output
    assert "another copy of ICT-FaceKit (000000000000)" in result.output
    with np.load(tmp_path / "face.npz") as file:
        vertices = file["vertices_mm"]
    assert vertices.shape == (2, 6706, 3)
    lowered = vertices[1, :, 1] - vertices[0, :, 1]
    assert lowered.max() > 10.0 and np.abs(lowered).min() < 0.1, "the jaw opens, the forehead stays"
    picture = cv2.imread(str(tmp_path / "face.png"))
    assert picture.shape[0] == 640 and (picture.std(axis=(0, 1)) > 20).all()
    obj = (tmp_path / "face.obj").read_text().splitlines()
    last = np.array(obj[6705].split()[1:], float)
    np.testing.assert_allclose(last, vertices[1, -1] * (1e-3, -1e-3, -1e-3), atol=1e-6)


@needs_ict
def test_what_cannot_be_decoded_is_said(coefficients: Path, tmp_path: Path):
    fields = json.loads(coefficients.read_text())
    other = tmp_path / "other.json"
    other.write_text(json.dumps({**fields, "basis": "FLAME"}))
    refused = decode(other, "--face-model", ICT_PACK)
    assert isinstance(refused.exception, CoefficientsError) and "coefficients of 'FLAME'" in str(refused.exception)
    refused = decode(coefficients, "--face-model", ICT_PACK, "--frame", 2)
    assert "--frame: got 2, expected -2 to 1" in str(refused.exception)


def test_without_a_face_model_it_is_said_where_to_get_one(coefficients: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("FACE1D_FACE_MODEL", raising=False)
    refused = decode(coefficients)
    assert isinstance(refused.exception, FaceModelMissingError) and "ICT-FaceKit" in str(refused.exception)
