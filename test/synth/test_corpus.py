"""Corpora: written in shards by several processes, taken up after a kill, read again."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from synth.tiny import assert_same, content, tiny_job

from face1d_ros.errors import CorpusError, CorpusMismatchError, DiskFullError
from face1d_ros.synth.corpus import fixed_sets, shard, writer
from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.synth.corpus.writer import CorpusJob, make_corpus, make_shard
from face1d_ros.synth.plan_json import joint_sha256, plan_sha256
from face1d_ros.synth.sequence import ARRAYS, make_sequence


@pytest.fixture(scope="module")
def job() -> CorpusJob:
    return tiny_job(sequences=5)


@pytest.fixture(scope="module")
def whole(job: CorpusJob, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once, by two processes."""
    folder = tmp_path_factory.mktemp("corpus") / "whole"
    make_corpus(job, folder, workers=2)
    return folder


@pytest.fixture(scope="module")
def local(job: CorpusJob, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once in this process, whose number of BLAS threads can change the last bit."""
    folder = tmp_path_factory.mktemp("corpus") / "local"
    with pytest.MonkeyPatch.context() as monkeypatch:
        in_this_process(monkeypatch, [])
        make_corpus(job, folder, workers=1)
    return folder


def copied(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def test_what_is_read_is_what_was_made(job: CorpusJob, whole: Path) -> None:
    corpus = Corpus(whole)
    assert len(corpus) == 5 and len(list(corpus)) == 5
    for index in range(5):
        made, read = make_sequence(job.plans.plan(index), job.points, job.noise), corpus[index]
        assert read.plan == made.plan
        assert read.topology == made.topology and read.expression_names == made.expression_names
        for name in ARRAYS:
            tolerance = 1e-3 if name == "point_confidence" else 1e-5
            np.testing.assert_allclose(getattr(read, name), getattr(made, name), tolerance, tolerance, err_msg=name)
        np.testing.assert_allclose(read.clean_px, made.clean_px, 1e-5, 1e-4)
    assert corpus[-1].name == corpus.names[-1] and corpus[-5].name == corpus.names[0]
    for outside in (5, -6):
        with pytest.raises(IndexError, match="of 5"):
            corpus[outside]


def test_names_subjects_and_lengths_are_known_without_reading_sequences(job: CorpusJob, whole: Path) -> None:
    corpus = Corpus(whole)
    plans = [job.plans.plan(index) for index in range(5)]
    assert corpus.names == tuple(plan.name for plan in plans)
    assert corpus.subject_ids.tolist() == [plan.subject.id for plan in plans]
    assert corpus.frames.tolist() == [len(sequence) for sequence in corpus]


def test_fields_run_on_over_the_sequences_of_a_shard(whole: Path) -> None:
    corpus = Corpus(whole)
    observed = np.concatenate([part.field("observed") for part in corpus.shards])
    np.testing.assert_array_equal(observed, np.concatenate([sequence.observed for sequence in corpus]))


def test_large_arrays_are_views_of_the_file(whole: Path) -> None:
    sequence = Corpus(whole)[0]
    assert not sequence.observed.flags.owndata and not sequence.points_mm.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        sequence.observed[0] = 0.0


def test_the_manifest_names_all_that_it_was_made_of(job: CorpusJob, whole: Path) -> None:
    manifest = json.loads((whole / "manifest.json").read_text())
    assert manifest["complete"] and manifest["sequences"] == 5 and manifest["points"] == 68
    assert manifest["plans"]["seed"] == 1 and manifest["plans"]["split"] == "train"
    assert manifest["face_model"] == {"name": "tiny", "sha256": "0" * 64}
    assert manifest["plans_sha256"] == joint_sha256(plan_sha256(job.plans.plan(index)) for index in range(5))
    assert manifest["frames"] == Corpus(whole).frames.sum()


def test_a_killed_run_is_carried_on_by_fewer_processes_and_gives_the_same(
    job: CorpusJob, whole: Path, tmp_path: Path
) -> None:
    folder = copied(whole, tmp_path)
    for name in ("shard-00001.json", "shard-00003.bin", "shard-00003.json"):
        (folder / name).unlink()
    (folder / "shard-00003.4711.part").write_bytes(b"half")
    make_corpus(job, folder, workers=1)
    assert_same(folder, whole)


@pytest.mark.parametrize("left", ["nothing of one shard", "half of a shard", "no index", "a cut file"])
def test_a_broken_off_run_is_taken_up_and_gives_the_same(
    job: CorpusJob, local: Path, tmp_path: Path, left: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copied(local, tmp_path)
    binary, index = folder / "shard-00002.bin", folder / "shard-00002.json"
    if left == "no index":
        index.unlink()
    elif left == "a cut file":
        os.truncate(binary, 1000)
    else:
        index.unlink()
        binary.rename(folder / "shard-00002.part")
        (folder / "shard-00002.part").write_bytes(b"half" if left == "half of a shard" else b"")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "complete": False}))
    with pytest.raises(CorpusError, match="not complete"):
        Corpus(folder)
    made: list[int] = []
    in_this_process(monkeypatch, made)
    make_corpus(job, folder, workers=1)
    assert made == [2]
    assert_same(folder, local)


def in_this_process(monkeypatch: pytest.MonkeyPatch, made: list[int]) -> None:
    """Shards one after the other without new processes; those that are really written are counted."""
    write = writer.write_shard

    def counted(folder: Path, number: int, *others: object) -> None:
        made.append(number)
        write(folder, number, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(writer, "write_shard", counted)
    monkeypatch.setattr(
        writer,
        "_made",
        lambda job, folder, workers: (make_shard(job, folder, number) for number in range(job.shards)),
    )


def test_a_shard_of_other_plans_is_made_again(
    job: CorpusJob, local: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copied(local, tmp_path)
    index = folder / "shard-00001.json"
    said = json.loads(index.read_text())
    del said["index_crc32"]
    said["sequences"][0]["plan_sha256"] = "0" * 64
    index.write_text(json.dumps({**said, "index_crc32": shard._index_sum(said)}))
    made: list[int] = []
    in_this_process(monkeypatch, made)
    make_corpus(job, folder, workers=1)
    assert made == [1]
    assert_same(folder, local)


@pytest.mark.parametrize("other", [{"seed": 2}, {"sequences": 6}, {"seconds": 1.5}, {"split": "test"}])
def test_a_corpus_of_other_parameters_is_refused_and_left_alone(whole: Path, other: dict[str, object]) -> None:
    before = content(whole)
    with pytest.raises(CorpusMismatchError, match=next(iter(other))):
        make_corpus(tiny_job(**{"sequences": 5, **other}), whole, workers=1)
    assert content(whole) == before


def test_a_folder_with_something_else_in_it_is_refused(job: CorpusJob, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"mine")
    with pytest.raises(CorpusError, match=r"photo\.jpg"):
        make_corpus(job, tmp_path, workers=1)


def test_a_disk_without_room_is_refused_before_anything_is_made(
    job: CorpusJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    with pytest.raises(DiskFullError, match="are needed"):
        make_corpus(job, tmp_path / "new", workers=1)
    assert not list((tmp_path / "new").glob("shard*"))


def test_a_disk_that_fills_up_ends_with_a_clear_error(
    job: CorpusJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shard.os, "pwrite", full)
    in_this_process(monkeypatch, [])
    with pytest.raises(DiskFullError, match="free"):
        make_corpus(job, tmp_path / "new", workers=1)
    assert not list((tmp_path / "new").glob("shard*"))


def test_two_runs_do_not_write_into_one_folder(job: CorpusJob, whole: Path) -> None:
    with writer._alone(whole), pytest.raises(CorpusError, match="another process"):
        make_corpus(job, whole, workers=1)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda folder: (folder / "manifest.json").unlink(), "holds no corpus"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "damaged"),
        (lambda folder: (folder / "manifest.json").write_text('{"format": "other"}'), "'other'"),
        (lambda folder: (folder / "manifest.json").write_bytes(b"\xff\xfe{"), "damaged"),
        (lambda folder: with_manifest(folder, points=77), "damaged"),
        (lambda folder: with_manifest(folder, points=None), "damaged"),
        (lambda folder: with_manifest(folder, sequences="5"), "damaged"),
        (lambda folder: with_manifest(folder, sequences_per_shard=0), "damaged"),
        (lambda folder: with_manifest(folder, expression_names=7), "damaged"),
        (lambda folder: (folder / "manifest.json").write_text('{"format": "face1d-corpus-2", "complete": 1}'), "no '"),
        (lambda folder: flip(folder, "plans"), r"shard-00000\.bin.*the plan of"),
        (lambda folder: os.truncate(folder / "shard-00000.bin", 10), "not whole"),
        (lambda folder: (folder / "shard-00000.json").write_text("[1]"), "not whole"),
        (lambda folder: (folder / "shard-00000.json").write_bytes(b"\xff"), "not whole"),
        (lambda folder: (folder / "shard-00000.json").unlink(), "not whole"),
    ],
)
def test_a_damaged_corpus_is_refused(whole: Path, tmp_path: Path, damage: object, says: str) -> None:
    folder = copied(whole, tmp_path)
    damage(folder)  # type: ignore[operator]
    with pytest.raises(CorpusError, match=says):
        Corpus(folder)[0]


def with_manifest(folder: Path, **changed: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))


def flip(folder: Path, field: str) -> None:
    """One bit of the first byte of a field of the first shard."""
    offset = json.loads((folder / "shard-00000.json").read_text())["offsets"][field]
    with (folder / "shard-00000.bin").open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1]))


@pytest.mark.parametrize("field", [*shard.STORED, "plans"])
def test_a_single_wrong_bit_is_found_and_its_shard_is_made_again(
    job: CorpusJob, local: Path, tmp_path: Path, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copied(local, tmp_path)
    flip(folder, field)
    assert Corpus(folder, verify=True).names == Corpus(local).names
    with pytest.raises(CorpusError, match=rf"shard-00000\.bin' is damaged \({field}\).*again"):
        Corpus(folder, verify=True)[0]
    with pytest.raises(CorpusError, match="damaged"):
        next(Corpus(folder, verify=True).shards).field("observed")
    made: list[int] = []
    in_this_process(monkeypatch, made)
    make_corpus(job, folder, workers=1)
    assert made == [0]
    assert_same(folder, local)
    assert len(list(Corpus(folder, verify=True))) == 5


def test_an_index_that_says_something_else_counts_as_absent(local: Path, tmp_path: Path) -> None:
    folder = copied(local, tmp_path)
    index = folder / "shard-00000.json"
    assert shard.read_index(folder, 0) is not None
    for old, new in (('"frames":', '"frames":1'), ('"subject_id":', '"subject_id":1'), ('"sequences":[', '"other":[')):
        text = (local / index.name).read_text()
        index.write_text(text.replace(old, new))
        assert index.read_text() != text and shard.read_index(folder, 0) is None


def test_a_corpus_of_other_values_is_not_carried_on(
    job: CorpusJob, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "VALUES_VERSION", writer.VALUES_VERSION + 1)
    with pytest.raises(CorpusMismatchError, match="values_version"):
        make_corpus(job, whole, workers=1)


def test_fixed_values_of_another_version_are_not_compared_with(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixed_sets, "golden", lambda name: {"values_version": 0})
    with pytest.raises(CorpusError, match="fixed values have values_version 0"):
        fixed_sets.check_values("synthetic-test-v1", "general", Corpus(whole))


@pytest.mark.parametrize("place", ["/proc/x", "file/x"])
def test_a_place_that_takes_no_folder_is_refused_with_advice(job: CorpusJob, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CorpusError, match="name a folder on a disk where you may write"):
        make_corpus(job, tmp_path / place, workers=1)


def test_progress_tells_of_every_sequence(job: CorpusJob, whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []
    in_this_process(monkeypatch, [])
    make_corpus(job, whole, 1, lambda frames, sequences: told.append((frames, sequences)))
    assert sum(sequences for _, sequences in told) == 5
    assert sum(frames for frames, _ in told) == Corpus(whole).frames.sum()
