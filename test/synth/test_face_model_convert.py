from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.io import loadmat, savemat
from synth.small_face import bfm_arrays, flame_arrays, landmarks_68, write

from face1d_ros.cli.synth_convert_model import command as convert_model
from face1d_ros.cli.synth_face import command as face
from face1d_ros.cli.synth_register import command as register
from face1d_ros.errors import FaceModelError, FaceModelFileError, FaceModelMissingError, MissingDependencyError
from face1d_ros.synth.faces import bfm_convert, registration
from face1d_ros.synth.faces.bfm_convert import MEAN_EXPRESSION, SAME_POINTS, convert
from face1d_ros.synth.faces.model import load_face_model, read_model
from face1d_ros.synth.faces.model_arrays import UNKNOWN


@pytest.fixture(autouse=True)
def rough_registration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration, "STIFFNESS", (30.0,))
    monkeypatch.delenv("FACE1D_FACE_MODEL", raising=False)


def mat_2009(path: Path, **others: np.ndarray) -> Path:
    """As 01_MorphableModel.mat: micrometres, columns, triangles counted from 1; a component's spread beside it."""
    arrays = bfm_arrays()
    spread = np.array([[2.0], [5.0]])
    components = (arrays["shape_basis"].reshape(2, -1) / spread).T
    content = {
        "shapeMU": 1000.0 * arrays["shape_mean"].reshape(-1, 1),
        "shapePC": components,
        "shapeEV": 1000.0 * spread,
        "tl": arrays["triangles"].astype(float) + 1,
    }
    savemat(path, {**content, **others})
    return path


def h5_2019(path: Path) -> Path:
    """As model2019_bfm.h5: mm, columns, variances, triangles in columns, landmarks with names."""
    h5py = pytest.importorskip("h5py", reason="h5py, which reads BFM's .h5 files, is not installed")
    arrays = bfm_arrays()
    mean, faces = arrays["shape_mean"], arrays["triangles"]
    named = [{"id": name, "coordinates": mean[landmarks_68()[row]].tolist()} for name, row in SAME_POINTS.items()]
    named.append({"id": "left.ear.canal", "coordinates": [80.0, 0.0, -20.0]})
    with h5py.File(path, "w") as file:
        for part, basis, offset in (
            ("shape", arrays["shape_basis"], mean),
            ("expression", arrays["expression_basis"], np.full_like(mean, 0.25)),
        ):
            file[f"{part}/model/mean"] = offset.ravel()
            file[f"{part}/model/pcaBasis"] = basis.reshape(2, -1).T / np.array([3.0, 0.5])
            file[f"{part}/model/pcaVariance"] = np.array([9.0, 0.25])
            file[f"{part}/representer/cells"] = faces.T
        file["metadata/landmarks/json"] = json.dumps(named)
    return path


def test_the_2009_model_comes_out_in_mm_per_standard_deviation(tmp_path: Path) -> None:
    arrays, expected = convert(mat_2009(tmp_path / "01_MorphableModel.mat")), bfm_arrays()
    for name in ("shape_mean", "shape_basis", "triangles"):
        np.testing.assert_allclose(arrays[name], expected[name], atol=1e-3)
    assert arrays["expression_basis"].shape == (0, len(expected["shape_mean"]), 3)


def test_the_2019_model_comes_out_with_its_mean_expression_and_landmarks(tmp_path: Path) -> None:
    arrays, expected = convert(h5_2019(tmp_path / "model2019_bfm.h5")), bfm_arrays()
    for name in ("shape_mean", "shape_basis", "triangles"):
        np.testing.assert_allclose(arrays[name], expected[name], atol=1e-3)
    np.testing.assert_allclose(arrays["expression_basis"][0], 0.25)
    np.testing.assert_allclose(arrays["expression_basis"][1:], expected["expression_basis"], atol=1e-3)
    assert arrays["expression_names"].tolist() == [MEAN_EXPRESSION, "component_001", "component_002"]
    known = list(SAME_POINTS.values())
    np.testing.assert_array_equal(arrays["landmarks_68"][known], landmarks_68()[known])
    assert (arrays["landmarks_68"] == UNKNOWN).sum() == 68 - len(known)


def test_without_h5py_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    (tmp_path / "model.h5").write_bytes(b"\x89HDF\r\n")
    with pytest.raises(MissingDependencyError, match=r"h5py is missing.*pip install h5py"):
        convert(tmp_path / "model.h5")


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"shapePC": np.zeros((9, 2))}, r"components of shape \(9, 2\)"),
        ({"shapeEV": np.array([[1.0], [-1.0]])}, "at least 0"),
        ({"shapeEV": np.array([["a"], ["b"]])}, "at least 0"),
        ({"shapeMU": np.zeros((4, 1))}, r"mean of shape \(4, 1\)"),
        ({"tl": np.zeros((4, 4))}, r"triangles of shape \(4, 4\)"),
    ],
)
def test_wrong_numbers_are_refused(tmp_path: Path, others: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(FaceModelFileError, match=message):
        convert(mat_2009(tmp_path / "model.mat", **others))


def test_files_that_are_no_basel_face_model_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "model.mat").write_bytes(b"no matrices in here" * 20)
    with pytest.raises(FaceModelFileError, match="unreadable"):
        convert(tmp_path / "model.mat")
    savemat(tmp_path / "other.mat", {"x": np.zeros(3)})
    with pytest.raises(FaceModelFileError, match="no shapeMU, shapePC, shapeEV, tl"):
        convert(tmp_path / "other.mat")
    (tmp_path / "generic_model.pkl").write_bytes(b"cposix\nsystem\n(S'true'\ntR.")
    with pytest.raises(FaceModelFileError, match=r"ends in '\.pkl'; expected a BFM file"):
        convert(tmp_path / "generic_model.pkl")
    monkeypatch.setattr(bfm_convert, "LARGEST_BYTES", 10)
    with pytest.raises(FaceModelFileError, match="at most"):
        convert(tmp_path / "other.mat")


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.98])
def test_a_cut_mat_file_is_refused(tmp_path: Path, compressed: bool, kept: float) -> None:
    path = tmp_path / "model.mat"
    content = loadmat(mat_2009(path))
    savemat(path, {name: content[name] for name in ("shapeMU", "shapePC", "shapeEV", "tl")}, do_compression=compressed)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(FaceModelFileError, match=r"unreadable|no shapeMU"):
        convert(path)


def test_convert_model_writes_a_file_that_loads(tmp_path: Path) -> None:
    source, target = mat_2009(tmp_path / "model.mat"), tmp_path / "bfm.npz"
    result = CliRunner().invoke(convert_model, [str(source), str(target)], catch_exceptions=False)
    assert f"wrote {target}" in result.output and "2 identity and 0 expression components" in result.output
    assert load_face_model(target).name == "BFM"
    with pytest.raises(FaceModelError, match="--overwrite"):
        CliRunner().invoke(convert_model, [str(source), str(target)], catch_exceptions=False)
    CliRunner().invoke(convert_model, [str(source), str(target), "--overwrite"], catch_exceptions=False)
    with pytest.raises(FaceModelError, match=r"expected \.npz"):
        CliRunner().invoke(convert_model, [str(source), str(tmp_path / "bfm.mat")], catch_exceptions=False)


def test_a_failed_conversion_leaves_nothing_behind(tmp_path: Path) -> None:
    source = mat_2009(tmp_path / "model.mat", tl=np.array([[1.0, 2.0, 10**6]]))
    with pytest.raises(FaceModelFileError, match="vertex"):
        CliRunner().invoke(convert_model, [str(source), str(tmp_path / "bfm.npz")], catch_exceptions=False)
    assert list(tmp_path.iterdir()) == [source]


def test_register_prints_errors_stores_and_draws(tmp_path: Path) -> None:
    model, stored, picture = tmp_path / "flame.npz", tmp_path / "flame.anchors.npz", tmp_path / "face.jpg"
    write(model, flame_arrays())
    table = tmp_path / "table.json"
    arguments = ["--face-model", str(model), "--output", str(stored), "--picture", str(picture), "--json", str(table)]
    result = CliRunner().invoke(register, arguments, catch_exceptions=False)
    rows = {row["distance to"]: row for row in json.loads(table.read_text())["rows"]}
    assert len(rows) == 4 and all(name in result.output for name in rows)
    surface = rows["surface, before points are put on it"]
    assert surface["points"] == 468 and 0.0 < surface["mean"] <= surface["95%"] <= surface["max"] < 20.0
    assert picture.read_bytes()[:2] == b"\xff\xd8"
    assert stored.is_file() and read_model(model).sha256() == load_face_model(model).sha256


def test_register_without_a_model_says_where_to_get_one() -> None:
    with pytest.raises(FaceModelMissingError, match="ICT-FaceKit"):
        CliRunner().invoke(register, [], catch_exceptions=False)


def test_face_draws_a_contact_sheet(tmp_path: Path) -> None:
    model, picture = write(tmp_path / "flame.npz", flame_arrays()), tmp_path / "sheet.png"
    arguments = [str(picture), "--face-model", str(model), "--people", "1", "--seed", "3"]
    result = CliRunner().invoke(face, arguments, catch_exceptions=False)
    assert "jawOpen, eyeBlink_L" in result.output
    first = picture.read_bytes()
    assert first[:4] == b"\x89PNG"
    CliRunner().invoke(face, arguments, catch_exceptions=False)
    assert picture.read_bytes() == first


def test_face_draws_components_without_names_too(tmp_path: Path) -> None:
    model, picture = write(tmp_path / "bfm.npz", bfm_arrays()), tmp_path / "sheet.png"
    result = CliRunner().invoke(face, [str(picture), "--face-model", str(model)], catch_exceptions=False)
    assert "components without names" in result.output and picture.is_file()
