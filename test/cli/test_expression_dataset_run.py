"""The protocol of expression datasets on small folders of the portrait, which smiles and is surprised."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from dataset_trees import write_image, write_text, write_video
from rich.console import Console

pytest.importorskip("mediapipe", reason="MediaPipe is not installed")
pytest.importorskip("torch", reason="PyTorch is not installed")

from face1d_ros.cli.expression_dataset_run import run_datasets
from face1d_ros.errors import DatasetFileError, DatasetIncompleteError, DatasetMissingError, InvalidValueError
from face1d_ros.evaluate.expression_windows import Windows
from face1d_ros.evaluate.measurement import Measurement
from face1d_ros.nets.expression_network import ExpressionNetwork
from face1d_ros.sources.portrait import AnimatedPortrait, astronaut
from face1d_ros.sources.portrait_motion import Constant, Event, PortraitMotion
from face1d_ros.train import expression_folds
from face1d_ros.train.expression_tracks import feature_names_of
from face1d_ros.train.recipe import Recipe

PEOPLE, FRAMES, STEPS = 10, 6, 10
RAMP = Event(0.02, 0.13, 1.0, 1.0)
GREY = "S109/001"


def face_of(person: int, expression: str) -> AnimatedPortrait:
    """Another head and place for each person, and an expression that grows."""
    grows = (RAMP,)
    shown = {"smile_left": grows, "smile_right": grows}
    if expression == "surprise":
        shown = {"jaw": grows, "brow_left": grows, "brow_right": grows}
    motion = PortraitMotion(
        shift_x=(Constant(0.02 * person - 0.1),), roll_rad=(Constant(0.03 * (person % 5 - 2)),), **shown
    )
    stretch = np.array([[0.94 + 0.012 * person, 0.0, 256.0 * (0.06 - 0.012 * person)], [0.0, 1.0, 0.0]])
    photo = cv2.warpAffine(astronaut(), stretch, (512, 512), borderMode=cv2.BORDER_REFLECT_101)
    return AnimatedPortrait(width=320, height=240, length=FRAMES, motion=motion, face_height=0.55, photo=photo)


@pytest.fixture(scope="module")
def ck(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten people with two sequences each, and one sequence without a face."""
    root = tmp_path_factory.mktemp("ck")
    for person in range(PEOPLE):
        for number, (label, expression) in enumerate((("5.0", "happiness"), ("7.0", "surprise")), start=1):
            place = f"S{100 + person}/{number:03d}"
            stem = place.replace("/", "_")
            for index, frame in enumerate(face_of(person, expression).frames(), start=1):
                path = root / "cohn-kanade-images" / place / f"{stem}_{index:08d}.png"
                if place == GREY:
                    write_image(path)
                else:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    assert cv2.imwrite(str(path), cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR))
            write_text(root / "Emotion" / place / f"{stem}_{FRAMES:08d}_emotion.txt", f"   {label}\n")
    return root


@pytest.fixture(scope="module")
def oulu(ck: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same faces as they would lie in Oulu-CASIA: visible light, and grey as if near infrared."""
    root = tmp_path_factory.mktemp("oulu")
    for person in range(PEOPLE):
        for number, label in ((1, "Happiness"), (2, "Surprise")):
            images = sorted((ck / "cohn-kanade-images" / f"S{100 + person}" / f"{number:03d}").glob("*.png"))
            for camera in ("VL", "NI"):
                folder = root / camera / "Strong" / f"P{person + 1:03d}" / label
                folder.mkdir(parents=True)
                for index, path in enumerate(images):
                    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE if camera == "NI" else cv2.IMREAD_COLOR)
                    assert image is not None and cv2.imwrite(str(folder / f"{index:03d}.png"), image)
    return root


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("landmarks") / "kept"


def run(
    names: list[str], roots: list[Path], cache: Path | None, given: str = "landmarks", steps: int = STEPS
) -> Measurement:
    return run_datasets(names, roots, given, cache, steps, Console(file=StringIO()), partial=True)


@pytest.fixture(scope="module")
def measured(ck: Path, cache: Path) -> Measurement:
    return run(["ck+"], [ck], cache)


def of_part(measurement: Measurement, part: str) -> list[dict[str, object]]:
    return [dict(row) for row in measurement.rows if row["part"] == part]


def test_a_smile_is_told_from_surprise_in_people_never_seen(measured: Measurement) -> None:
    folds = of_part(measured, "fold")
    assert [(row["fold"], row["subjects"]) for row in folds] == [(number, 1) for number in range(1, 11)]
    assert [row["windows"] for row in folds] == [2] * 9 + [1]
    (whole,) = of_part(measured, "all")
    assert whole["windows"] == 19 and whole["subjects"] == PEOPLE
    assert whole["accuracy"] >= 0.9 and whole["macro_f1"] >= 0.9 and whole["neutral_accuracy"] >= 0.9
    assert whole["mean_of_folds"] == pytest.approx(np.mean([row["accuracy"] for row in folds]))
    assert whole["published"] == 0.93


def test_every_window_is_in_the_confusion_and_every_person_in_a_row(measured: Measurement) -> None:
    rows = {row["true"]: row for row in of_part(measured, "confusion")}
    assert list(rows) == ["neutral", "happiness", "surprise"]
    assert [sum(row[label] for label in rows) for row in rows.values()] == [19, 9, 10]
    people = of_part(measured, "subject")
    assert [row["subject"] for row in people] == [f"ck+/S{100 + person}" for person in range(PEOPLE)]
    assert sum(row["windows"] for row in people) == 19


def test_a_sequence_without_a_face_is_counted_and_named(measured: Measurement) -> None:
    assert measured.conditions["left_out"] == [f"ck+ {GREY}: no face in {FRAMES} images"]
    assert [row["left_out"] for row in of_part(measured, "fold")] == [0] * 9 + [1]
    assert of_part(measured, "all")[0]["left_out"] == 1


def test_a_second_run_detects_nothing_and_gives_the_same(measured: Measurement, ck: Path, cache: Path) -> None:
    assert (measured.conditions["detected"], measured.conditions["taken_from_cache"]) == (20, 0)
    first, second = (run(["ck+"], [ck], cache, steps=2) for _ in range(2))
    assert (first.conditions["detected"], first.conditions["taken_from_cache"]) == (0, 20)
    assert first.conditions["data_sha256"] == measured.conditions["data_sha256"]
    assert list(first.rows) == list(second.rows)


def test_only_arrays_are_kept_and_for_their_owner_alone(measured: Measurement, cache: Path) -> None:
    files = sorted(cache.rglob("*.*"))
    assert len(files) == 20
    for path in files:
        assert path.stat().st_mode & 0o077 == 0
        with np.load(path, allow_pickle=False) as file:
            assert set(file) == {"stamps_ns", "points", "confidence", "point_confidence", "image_size"}


def test_what_is_damaged_in_the_folder_or_changed_in_the_dataset_is_detected_anew(
    measured: Measurement, ck: Path, cache: Path, tmp_path: Path
) -> None:
    shutil.copytree(cache, tmp_path / "kept")
    first, second = sorted((tmp_path / "kept").rglob("*.npz"))[:2]
    first.write_bytes(b"no arrays")
    np.savez(second, stamps_ns=np.zeros(3))
    assert run(["ck+"], [ck], tmp_path / "kept", steps=1).conditions["detected"] == 2
    changed = ck / "cohn-kanade-images/S100/001/S100_001_00000001.png"
    before = changed.stat()
    os.utime(changed, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000_000))
    again = run(["ck+"], [ck], tmp_path / "kept", steps=1)
    os.utime(changed, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert again.conditions["detected"] == 1


def test_a_network_reads_the_mesh_as_well(measured: Measurement, ck: Path, cache: Path) -> None:
    mesh = run(["ck+"], [ck], cache, "mesh")
    assert mesh.conditions["detected"] == 0 and mesh.conditions["input"] == "mesh"
    assert of_part(mesh, "all")[0]["accuracy"] >= 0.7


def test_oulu_casia_is_two_measurements_each_beside_its_published_figure(oulu: Path, cache: Path) -> None:
    found = run(["oulu-casia"], [oulu], cache, steps=1)
    whole = {row["tested_on"]: row for row in of_part(found, "all")}
    assert {name: row["published"] for name, row in whole.items()} == {
        "oulu-casia:vl-strong": 0.79,
        "oulu-casia:ni-strong": 0.77,
    }
    assert len(of_part(found, "fold")) == 20
    assert found.conditions["people"] == dict.fromkeys(whole, PEOPLE)


def test_nobody_who_is_trained_on_is_tested(
    measured: Measurement, oulu: Path, ck: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides: list[tuple[set[str], set[str]]] = []

    def learn(recipe: Recipe, windows: Windows, labels: Sequence[str], *_: object) -> ExpressionNetwork:
        sides.append((set(windows.subjects), set()))
        return expression_folds.FoldTask(recipe, windows, labels, feature_names_of("landmarks")).network

    def answer(network: ExpressionNetwork, windows: Windows, labels: Sequence[str]) -> np.ndarray:
        sides[-1][1].update(windows.subjects)
        return answers(network, windows, labels)

    answers = expression_folds.answers
    monkeypatch.setattr(expression_folds, "train_fold", learn)
    monkeypatch.setattr(expression_folds, "answers", answer)
    run(["oulu-casia:vl-strong", "oulu-casia:ni-strong", "ck+"], [oulu, oulu, ck], cache)
    everybody = {f"ck+/S{100 + n}" for n in range(PEOPLE)} | {f"oulu-casia/P{n + 1:03d}" for n in range(PEOPLE)}
    assert len(sides) == 10 + 3, "across: each of three parts by a network of the other dataset"
    for learned, tested in sides[:10]:
        assert learned | tested == everybody and not learned & tested and len(tested) == 2
    assert all(not learned & tested for learned, tested in sides[10:])


def test_datasets_together_and_across(measured: Measurement, ck: Path, oulu: Path, cache: Path) -> None:
    found = run(["ck+", "oulu-casia:vl-strong"], [ck, oulu], cache, steps=STEPS)
    assert [row["fold"] for row in of_part(found, "fold")] == list(range(1, 11))
    whole = {row["tested_on"]: row for row in of_part(found, "all")}
    assert list(whole) == ["ck+", "oulu-casia:vl-strong", "all"]
    assert [row["published"] for row in whole.values()] == [None] * 3, "the published ones are of single datasets"
    assert [row["windows"] for row in whole.values()] == [19, 19, 38]
    across = {(row["trained_on"], row["tested_on"]): row for row in of_part(found, "across")}
    assert list(across) == [("ck+", "oulu-casia:vl-strong"), ("oulu-casia:vl-strong", "ck+")]
    assert all(row["accuracy"] == 1.0 for row in across.values()), "the same faces lie in both"


def test_what_cannot_be_measured_is_refused_with_what_to_do(ck: Path, tmp_path: Path) -> None:
    console = Console(file=StringIO())
    with pytest.raises(DatasetMissingError, match=r"is no folder; give the folder .*jeffcohn"):
        run(["ck+"], [tmp_path / "nowhere"], None)
    with pytest.raises(DatasetIncompleteError, match=r"S100_001_00000001_landmarks[\s\S]*--partial"):
        run_datasets(["ck+"], [ck], "landmarks", None, 1, console)
    few = tmp_path / "few"
    for person in range(9):
        for folder in ("cohn-kanade-images", "Emotion"):
            shutil.copytree(ck / folder / f"S{100 + person}", few / folder / f"S{100 + person}")
    with pytest.raises(DatasetMissingError, match="expressions of 9 people, 10 are needed, one for each fold"):
        run(["ck+"], [few], None)
    shutil.rmtree(few / "Emotion")
    with pytest.raises(DatasetMissingError, match="holds no expression"):
        run(["ck+"], [few], None)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ([], "at least one"),
        (["ck+", "mmi"], "2 with 1 folders"),
        (["300w"], "one of ck\\+, oulu-casia, mmi"),
        (["ck+:left"], "labelled"),
    ],
)
def test_names_that_are_none_are_refused(ck: Path, names: list[str], says: str) -> None:
    with pytest.raises(InvalidValueError, match=says):
        run(names, [ck], None)


def test_a_dataset_is_given_once(ck: Path) -> None:
    with pytest.raises(InvalidValueError, match="each of them once"):
        run(["ck+", "ck+:labelled"], [ck, ck], None)


def test_a_video_whose_phases_are_damaged_is_left_out_of_a_partial_measurement(tmp_path: Path) -> None:
    frames = [frame.image for frame in face_of(0, "happiness").frames()]
    for person in range(PEOPLE):
        place = tmp_path / "Sessions" / str(person) / f"S{person:03d}-001"
        write_video(place.with_suffix(".avi"), frames)
        write_text(place.with_suffix(".xml"), '<x><Metatag Name="Emotion" Value="4"/></x>')
        write_text(place.parent / "session.xml", "<session/>")
    units = tmp_path / "Sessions/3/S003-001-oao_aucs.xml"
    write_text(units, '<x><ActionUnit><Marker Frame="2" Type="1"/><Marker Frame="5" Type="2"/></ActionUnit></x>')
    assert run(["mmi"], [tmp_path], None, steps=1).conditions["left_out"] == []
    write_text(units, "<x>")
    found = run(["mmi"], [tmp_path], None, steps=1)
    (line,) = found.conditions["left_out"]
    assert line.startswith("mmi 3/S003-001") and "broken XML" in line
    assert of_part(found, "all")[0]["windows"] == PEOPLE - 1 and of_part(found, "all")[0]["published"] == 0.68
    assert of_part(found, "fold")[3]["accuracy"] is None, "nobody is left in this fold"


def test_a_damaged_label_is_left_out_of_a_partial_measurement(ck: Path, cache: Path, tmp_path: Path) -> None:
    copy = tmp_path / "ck"
    shutil.copytree(ck, copy)
    (label,) = (copy / "Emotion/S104/001").iterdir()
    label.write_text("9")
    found = run(["ck+"], [copy], cache, steps=1)
    assert found.conditions["sequences"] == {"ck+": 2 * PEOPLE}
    damaged, grey = found.conditions["left_out"]
    assert damaged.startswith("ck+ S104/001: '") and "got label 9" in damaged and GREY in grey
    assert of_part(found, "all")[0]["left_out"] == 2 and of_part(found, "all")[0]["windows"] == 2 * PEOPLE - 2
    assert [row["left_out"] for row in of_part(found, "fold")] == [0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def test_a_damaged_label_ends_a_measurement_of_everything(tmp_path: Path) -> None:
    write_video(tmp_path / "Sessions/1/S001-001.avi", [np.zeros((48, 64, 3), np.uint8)] * 3)
    write_text(tmp_path / "Sessions/1/session.xml", "<session/>")
    write_text(tmp_path / "Sessions/1/S001-001.xml", "<x>")
    with pytest.raises(DatasetFileError, match=r"S001-001\.xml': got broken XML.*copy this file again"):
        run_datasets(["mmi"], [tmp_path], "landmarks", None, 1, Console(file=StringIO()))


def test_a_dataset_without_any_face_is_refused(tmp_path: Path) -> None:
    for person in range(PEOPLE):
        for index in range(1, 4):
            write_image(tmp_path / f"cohn-kanade-images/S{person:03d}/001/S{person:03d}_001_{index:08d}.png")
        write_text(tmp_path / f"Emotion/S{person:03d}/001/S{person:03d}_001_00000003_emotion.txt", "1.0")
    with pytest.raises(DatasetMissingError, match="no face from rest to apex in any of 10 sequences"):
        run(["ck+"], [tmp_path], None)
