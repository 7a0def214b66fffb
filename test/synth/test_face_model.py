from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from synth.small_face import (
    ICT_PACK,
    NAMES,
    bfm_arrays,
    flame_arrays,
    landmarks_68,
    surface,
    true_points,
    write,
)

from face1d_ros.errors import FaceModelError, FaceModelFileError, FaceModelMissingError
from face1d_ros.geometry.canonical import vertex_normals
from face1d_ros.synth.faces import npz_file, registration
from face1d_ros.synth.faces.ict import LANDMARKS_68, NARROW_VERTICES
from face1d_ros.synth.faces.model import VARIABLE, load_face_model

NOSE_TIP, RIGHT_CORNER, LEFT_CORNER = 4, 33, 263
needs_ict = pytest.mark.skipif(not ICT_PACK.is_file(), reason=f"ICT-FaceKit's pack is not at {ICT_PACK}")


@pytest.fixture(autouse=True)
def rough_registration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models without a stored correspondence are registered; how well is another file's business."""
    monkeypatch.setattr(registration, "STIFFNESS", (30.0,))


@pytest.mark.parametrize("arrays", [flame_arrays, bfm_arrays])
def test_models_come_in_mm_in_the_facing_frame(tmp_path: Path, arrays) -> None:
    model = load_face_model(write(tmp_path / "model.npz", arrays()))
    expected = true_points() - true_points()[[RIGHT_CORNER, LEFT_CORNER]].mean(axis=0)
    np.testing.assert_allclose(model.mean_mm[:468], expected, atol=1e-3)
    assert model.mean_mm[:, 2].argmin() == NOSE_TIP
    assert model.mean_mm.dtype == model.identity_mm.dtype == model.expression_mm.dtype == np.float32
    assert model.identity_mm.shape[0] == model.expression_mm.shape[0] == 2
    np.testing.assert_allclose(model.landmarks_68.on(model.mean_mm), expected[landmarks_68()], atol=1e-3)
    np.testing.assert_allclose(model.landmarks_478.weights.sum(axis=1), 1.0, atol=1e-5)


def test_expressions_keep_their_direction_and_size(tmp_path: Path) -> None:
    model = load_face_model(write(tmp_path / "flame.npz", flame_arrays()))
    assert model.name == "FLAME" and model.expression_names == NAMES
    opened = model.expression_mm[model.expression_index("jawOpen")]
    np.testing.assert_allclose(opened[14], [0.0, 20.0, 0.0], atol=1e-4)
    np.testing.assert_allclose(model.identity_mm[0, LEFT_CORNER, 0], 0.05 * true_points()[LEFT_CORNER, 0], rtol=1e-4)


def test_triangles_look_out_of_the_face_however_they_are_stored(tmp_path: Path) -> None:
    turned = flame_arrays()["f"][:, ::-1]
    for faces in (flame_arrays()["f"], turned):
        model = load_face_model(write(tmp_path / "flame.npz", flame_arrays(), f=faces))
        assert vertex_normals(model.mean_mm.astype(float), model.triangles)[NOSE_TIP, 2] < -0.5


def test_expressions_without_names_are_refused_only_when_a_name_is_asked_for(tmp_path: Path) -> None:
    model = load_face_model(write(tmp_path / "bfm.npz", bfm_arrays()))
    assert model.expression_names == ()
    with pytest.raises(FaceModelError, match="components without names"):
        model.expression_index("jawOpen")


def test_an_unknown_expression_is_named_with_the_known_ones(tmp_path: Path) -> None:
    model = load_face_model(write(tmp_path / "flame.npz", flame_arrays()))
    with pytest.raises(FaceModelError, match=r"jawSideways.*jawOpen, eyeBlink_L"):
        model.expression_index("jawSideways")


def test_the_hash_follows_the_numbers_not_the_file(tmp_path: Path) -> None:
    first = load_face_model(write(tmp_path / "a.npz", bfm_arrays()))
    np.savez_compressed(tmp_path / "b.npz", **bfm_arrays())
    assert load_face_model(tmp_path / "b.npz").sha256 == first.sha256
    moved = bfm_arrays()["shape_mean"] + np.float32(0.001)
    assert load_face_model(write(tmp_path / "c.npz", bfm_arrays(), shape_mean=moved)).sha256 != first.sha256


def test_a_model_is_shared_and_read_only(tmp_path: Path) -> None:
    model = load_face_model(write(tmp_path / "bfm.npz", bfm_arrays()))
    with pytest.raises(ValueError, match="read-only"):
        model.mean_mm[0] = 0.0


def test_without_a_model_the_error_says_where_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(FaceModelMissingError, match=r"none was named.*ICT-FaceKit.*FACE1D_FACE_MODEL"):
        load_face_model()
    monkeypatch.setenv(VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(FaceModelMissingError, match=r"nowhere.*FACE1D_FACE_MODEL names"):
        load_face_model()


def test_the_environment_variable_names_the_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(write(tmp_path / "bfm.npz", bfm_arrays())))
    assert load_face_model().name == "BFM"


def nan_mean():
    mean = bfm_arrays()["shape_mean"].copy()
    mean[3, 1] = np.nan
    return mean


WRONG = {
    "not finite": ({"shape_mean": nan_mean()}, "not finite"),
    "another unit": ({"shape_mean": bfm_arrays()["shape_mean"] / 1000}, r"eye corners 0\.\d+ mm apart"),
    "flat mean": ({"shape_mean": bfm_arrays()["shape_mean"].ravel()}, "shape_mean of shape"),
    "two columns": ({"shape_mean": bfm_arrays()["shape_mean"][:, :2]}, r"shape_mean of shape \(\d+, 2\)"),
    "other vertices": ({"shape_basis": bfm_arrays()["shape_basis"][:, :-1]}, "identity basis of shape"),
    "text": ({"shape_mean": np.array(["a", "b"])}, "type <U1"),
    "a vertex too many": ({"triangles": np.array([[0, 1, 99999]])}, "vertex 0…99999"),
    "a negative vertex": ({"triangles": np.array([[0, 1, -1]])}, "vertex -1…1"),
    "broken vertices": ({"triangles": np.array([[0.5, 1.0, 2.0]])}, "type float64"),
    "no triangles": ({"triangles": np.zeros((0, 3), int)}, "no triangles"),
    "names too few": ({"expression_names": np.array(["one"])}, "1 expression names"),
    "a name twice": ({"expression_names": np.array(["one", "one"])}, "occurs twice"),
    "names as numbers": ({"expression_names": np.array([1, 2])}, "expression_names of type"),
    "few landmarks": ({"landmarks_68": np.arange(51)}, r"landmarks of shape \(51,\)"),
    "landmark nowhere": ({"landmarks_68": np.full(68, 10**6)}, "landmarks with vertex"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_arrays_are_refused_with_what_was_expected(tmp_path: Path, case: str) -> None:
    arrays, message = WRONG[case]
    path = write(tmp_path / "bfm.npz", bfm_arrays(), **arrays)
    with pytest.raises(FaceModelFileError, match=f"{message}.*expected"):
        load_face_model(path)


@pytest.mark.parametrize("count", [-1, 5])
def test_flame_with_more_expressions_than_directions_is_refused(tmp_path: Path, count: int) -> None:
    path = write(tmp_path / "flame.npz", flame_arrays(), expression_count=np.array(count))
    with pytest.raises(FaceModelFileError, match="expression_count"):
        load_face_model(path)


def test_an_unknown_set_of_arrays_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(FaceModelFileError, match=r"arrays points; expected neutral.*v_template.*shape_mean"):
        load_face_model(write(tmp_path / "x.npz", {"points": np.zeros(3)}))


def test_files_that_are_no_npz_are_refused(tmp_path: Path) -> None:
    whole = write(tmp_path / "bfm.npz", bfm_arrays()).read_bytes()
    for number, content in enumerate((b"", b"no archive", whole[: len(whole) // 2], b"PK\x03\x04" + bytes(100))):
        path = tmp_path / f"{number}.npz"
        path.write_bytes(content)
        with pytest.raises(FaceModelFileError, match=r"\.npz"):
            load_face_model(path)


def test_damage_inside_is_found(tmp_path: Path) -> None:
    path = write(tmp_path / "bfm.npz", bfm_arrays())
    content = bytearray(path.read_bytes())
    content[2000] ^= 255
    path.write_bytes(content)
    with pytest.raises(FaceModelFileError, match="damaged"):
        load_face_model(path)


class Trap:
    """Unpickling it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        return Path.mkdir, (self.folder,)


def test_nothing_is_ever_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "bfm.npz"
    trap = np.array([Trap(tmp_path / "sprung")], object)
    np.savez(path, **{**bfm_arrays(), "shape_mean": trap}, allow_pickle=True)
    with pytest.raises(FaceModelFileError, match="nothing pickled"):
        load_face_model(path)
    assert not (tmp_path / "sprung").exists()


def test_a_header_that_promises_more_than_there_is_reserves_no_memory(tmp_path: Path) -> None:
    path = write(tmp_path / "bfm.npz", bfm_arrays())
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<f4", "fortran_order": False, "shape": (10**13, 3)})
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "huge.npz", "w") as new:
        for name in old.namelist():
            new.writestr(name, stream.getvalue() if name == "shape_mean.npy" else old.read(name))
    with pytest.raises(FaceModelFileError, match="does not match its size"):
        load_face_model(tmp_path / "huge.npz")


def test_too_large_files_are_refused_before_they_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(npz_file, "LARGEST_BYTES", 1000)
    with pytest.raises(FaceModelFileError, match="at most"):
        load_face_model(write(tmp_path / "bfm.npz", bfm_arrays()))


def test_a_folder_without_the_models_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FaceModelFileError, match=r"no generic_neutral_mesh\.obj.*FaceXModel"):
        load_face_model(tmp_path)
    (tmp_path / "generic_neutral_mesh.obj").write_text("v 1 2 3\nv 4 5 6\nf 1 2 1 2\n")
    with pytest.raises(FaceModelFileError, match="2 vertices; expected at least the 6706"):
        load_face_model(tmp_path)
    (tmp_path / "generic_neutral_mesh.obj").write_text("v 1 2 x\n" * NARROW_VERTICES)
    with pytest.raises(FaceModelFileError, match="no numbers"):
        load_face_model(tmp_path)


def test_a_mesh_without_a_face_is_refused(tmp_path: Path) -> None:
    points, _ = surface()
    away = np.array([[0, 1, 2]])
    arrays = {**bfm_arrays(), "triangles": away, "landmarks_68": np.full(68, -1)}
    arrays["shape_mean"] = (points + 500.0 * (np.arange(len(points)) < 3)[:, None]).astype(np.float32)
    with pytest.raises(FaceModelError):
        load_face_model(write(tmp_path / "bfm.npz", arrays))


@needs_ict
def test_the_pack_of_ict_facekit() -> None:
    model = load_face_model(ICT_PACK)
    assert model.name == "ICT-FaceKit" and model.mean_mm.shape == (NARROW_VERTICES, 3)
    assert (len(model.identity_mm), len(model.expression_mm), len(model.expression_names)) == (100, 53, 53)
    np.testing.assert_array_equal(model.landmarks_68.vertices[:, 0], LANDMARKS_68)
    corners = model.landmarks_478.take([RIGHT_CORNER, LEFT_CORNER]).on(model.mean_mm)
    np.testing.assert_allclose(corners, [[-44.6, 0.0, 0.0], [44.6, 0.0, 0.0]], atol=0.1)
    # The person's own left is on the right of the picture.
    smile = np.abs(model.expression_mm[model.expression_index("mouthSmile_L")]).sum(axis=1)
    assert np.average(model.mean_mm[:, 0], weights=smile) > 20.0


@needs_ict
def test_the_folder_of_ict_facekit_gives_the_same_as_its_pack(tmp_path: Path) -> None:
    with np.load(ICT_PACK, allow_pickle=False) as pack:
        neutral, faces = pack["neutral"].astype(float), pack["faces"]
        shapes = {
            "identity000": pack["identity"][0],
            "identity001": pack["identity"][1],
            "jawOpen": pack["expression"][26],
        }
    beyond = np.full((2, 3), 99.0)
    for name, offset in (("generic_neutral_mesh", 0.0), *shapes.items(), ("PupilDilate_L", 0.0)):
        write_obj(tmp_path / f"{name}.obj", np.concatenate([neutral + offset, beyond]), faces)
    (tmp_path / "vertex_indices.json").write_text('{"expressions": ["jawOpen"], "other": [1]}')
    folder, pack_model = load_face_model(tmp_path), load_face_model(ICT_PACK)
    assert folder.expression_names == ("jawOpen",)
    np.testing.assert_allclose(folder.mean_mm, pack_model.mean_mm, atol=1e-3)
    np.testing.assert_allclose(folder.identity_mm, pack_model.identity_mm[:2], atol=1e-3)
    np.testing.assert_allclose(folder.expression_mm[0], pack_model.expression_mm[26], atol=1e-3)
    np.testing.assert_array_equal(folder.triangles, pack_model.triangles)
    (tmp_path / "identity000.obj").unlink()
    with pytest.raises(FaceModelFileError, match=r"without identity000\.obj"):
        load_face_model(tmp_path)


def write_obj(path: Path, points: np.ndarray, quads: np.ndarray) -> None:
    beyond = len(points) - 1
    with path.open("w") as stream:
        stream.write("# a face\nmtllib x.mtl\n")
        stream.writelines(f"v {x:.8f} {y:.8f} {z:.8f}\n" for x, y, z in points)
        stream.write("vt 0.5 0.5\nvn 0 0 1\n")
        stream.writelines("f " + " ".join(f"{corner + 1}/1" for corner in quad) + "\n" for quad in quads)
        stream.write(f"f 1/1 2/1 3/1 {beyond}/1\n")
