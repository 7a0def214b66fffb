from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from engines.tiny_bundle import manifest

from face1d_ros.engines import tensorrt_cache
from face1d_ros.engines.tensorrt_build import BuildOptions
from face1d_ros.engines.tensorrt_cache import EngineCache, Key, engine_key, timing_key
from face1d_ros.engines.tensorrt_module import Platform
from face1d_ros.errors import EngineError

PLATFORM = Platform(tensorrt="10.3.0", cuda="12.6", capability="8.7", gpu="Orin", architecture="aarch64")
MODEL = manifest(b"model", b"golden")
PLAN = b"a plan" * 1000


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    return EngineCache(tmp_path / "engines")


@pytest.fixture
def key() -> Key:
    return engine_key(MODEL, PLATFORM, BuildOptions())


def test_what_was_written_is_read_in_another_process_and_only_there_is_anything(cache: EngineCache, key: Key):
    assert cache.read(key) is None
    path = cache.write(key, PLAN, 1e-6)
    assert cache.read(key) == EngineCache(cache.folder).read(key) == PLAN
    assert path.name.startswith("leaky_sum-")
    (entry,) = cache.entries()
    assert (entry.is_ours, entry.size_bytes, entry.golden_error) == (True, len(PLAN), 1e-6)
    assert entry.fields["gpu"] == "Orin"


def test_folder_and_files_are_the_user_s_alone(cache: EngineCache, key: Key):
    cache.write(key, PLAN)
    assert cache.folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in cache.folder.iterdir()} == {0o600}


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Platform)])
def test_a_plan_of_another_platform_is_not_found(cache: EngineCache, key: Key, field: str):
    cache.write(key, PLAN)
    other = dataclasses.replace(PLATFORM, **{field: "other"})
    assert cache.read(engine_key(MODEL, other, BuildOptions())) is None
    assert timing_key(other) != timing_key(PLATFORM)


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(BuildOptions)])
def test_a_plan_of_other_options_is_not_found(cache: EngineCache, key: Key, field: str):
    cache.write(key, PLAN)
    assert cache.read(engine_key(MODEL, PLATFORM, dataclasses.replace(BuildOptions(), **{field: 7}))) is None


def test_a_plan_of_another_model_or_way_of_building_is_not_found(
    cache: EngineCache, key: Key, monkeypatch: pytest.MonkeyPatch
):
    cache.write(key, PLAN)
    other = dataclasses.replace(MODEL, sha256="0" * 64)
    assert cache.read(engine_key(other, PLATFORM, BuildOptions())) is None
    monkeypatch.setattr(tensorrt_cache, "FORMAT", 2)
    assert cache.read(engine_key(MODEL, PLATFORM, BuildOptions())) is None


class TestNotBelieved:
    """Each is as good as not there, and is good again once it was written anew."""

    @pytest.fixture(autouse=True)
    def written(self, cache: EngineCache, key: Key):
        self.cache, self.key = cache, key
        self.plan = cache.write(key, PLAN)
        self.stamp = self.plan.with_suffix(".json")

    def is_refused(self) -> None:
        assert self.cache.read(self.key) is None
        assert not any(entry.is_ours for entry in self.cache.entries())
        self.cache.write(self.key, PLAN)
        assert self.cache.read(self.key) == PLAN

    @pytest.mark.parametrize("change", ["a bit", "shorter", "longer", "empty"])
    def test_a_damaged_plan(self, change: str):
        flipped = bytes([PLAN[0] ^ 1]) + PLAN[1:]
        self.plan.write_bytes({"a bit": flipped, "shorter": PLAN[:-1], "longer": PLAN + b"x", "empty": b""}[change])
        self.is_refused()

    def test_a_plan_without_a_stamp(self):
        self.stamp.unlink()
        self.is_refused()

    def test_a_plan_and_stamp_made_by_somebody_who_lacks_the_secret(self, cache: EngineCache):
        hostile = b"hostile code" * 1000
        self.plan.write_bytes(hostile)
        stamp = json.loads(self.stamp.read_text()) | {"sha256": hashlib.sha256(hostile).hexdigest()}
        self.stamp.write_text(json.dumps(stamp))
        self.is_refused()

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"hmac": 3}', '{"hmac": "\\u00e9"}', "[" * 50_000, "\xff" * 99])
    def test_a_stamp_that_is_none(self, text: str):
        self.stamp.write_text(text, encoding="latin-1")
        self.is_refused()

    def test_a_stamp_under_another_name(self, cache: EngineCache, key: Key):
        other = engine_key(MODEL, dataclasses.replace(PLATFORM, gpu="Thor"), BuildOptions())
        for path in (self.plan, self.stamp):
            path.rename(cache.folder / (other.stem + path.suffix))
        assert cache.read(other) is None
        self.is_refused()

    def test_a_folder_that_came_from_another_machine(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        identity = tmp_path / "machine-id"
        identity.write_text("of another machine")
        monkeypatch.setattr(tensorrt_cache, "MACHINE_ID", identity)
        self.is_refused()

    def test_another_secret(self, cache: EngineCache):
        (cache.folder / "secret").write_bytes(b"s" * 32)
        self.is_refused()

    def test_a_secret_of_the_wrong_size(self, cache: EngineCache):
        (cache.folder / "secret").write_bytes(b"")
        self.is_refused()

    @pytest.mark.parametrize("mode", [0o620, 0o602])
    def test_a_file_that_others_may_write(self, mode: int):
        self.plan.chmod(mode)
        self.is_refused()

    @pytest.mark.parametrize("mode", [0o770, 0o707])
    def test_a_folder_that_others_may_write(self, cache: EngineCache, mode: int):
        cache.folder.chmod(mode)
        self.is_refused()

    def test_a_link(self, tmp_path: Path):
        self.plan.rename(tmp_path / "elsewhere")
        self.plan.symlink_to(tmp_path / "elsewhere")
        self.is_refused()

    def test_a_pipe_is_not_waited_for(self):
        self.plan.unlink()
        os.mkfifo(self.plan, 0o600)
        self.is_refused()

    def test_files_of_another_user(self, monkeypatch: pytest.MonkeyPatch, cache: EngineCache, key: Key):
        user = os.geteuid()
        with monkeypatch.context() as patch:
            patch.setattr(os, "geteuid", lambda: user + 1)
            assert cache.read(key) is None
            with pytest.raises(EngineError, match="no folder of this user"):
                cache.write(key, PLAN)
        self.stamp.unlink()
        self.is_refused()


def test_a_link_in_place_of_the_folder_is_refused(tmp_path: Path, key: Key):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "engines").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EngineError, match="no folder of this user"):
        EngineCache(tmp_path / "engines").write(key, PLAN)


def test_clearing_forgets_the_secret_too(cache: EngineCache, key: Key):
    path = cache.write(key, PLAN)
    stamp = path.with_suffix(".json").read_bytes()
    assert cache.clear() == 1
    assert cache.entries() == []
    cache.write(timing_key(PLATFORM), b"")  # makes a new secret
    path.write_bytes(PLAN)
    path.with_suffix(".json").write_bytes(stamp)
    assert cache.read(key) is None


def test_a_write_that_fails_leaves_no_half_file(cache: EngineCache, key: Key, monkeypatch: pytest.MonkeyPatch):
    cache.write(key, PLAN)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            cache.write(key, b"another")
    assert cache.read(key) is None
    assert sorted(path.suffix for path in cache.folder.iterdir()) == ["", ".plan"]  # the secret and the old plan


def test_the_lock_is_one_for_all_processes_and_removes_what_a_killed_build_left(cache: EngineCache):
    with cache.lock() as held:
        assert held
        (cache.folder / ".new-half").write_bytes(b"half")
        with EngineCache(cache.folder).lock(wait=False) as second:
            assert not second
        assert (cache.folder / ".new-half").exists()
    with cache.lock(wait=False) as held:
        assert held
        assert not (cache.folder / ".new-half").exists()


def test_the_lock_of_a_killed_process_is_gone(cache: EngineCache):
    code = (
        "import sys; from pathlib import Path; from face1d_ros.engines.tensorrt_cache import EngineCache\n"
        "with EngineCache(Path(sys.argv[1])).lock(): print('held', flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(cache.folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None and child.stdout.readline() == b"held\n"
    with cache.lock(wait=False) as held:
        assert not held
    child.kill()
    child.communicate()
    with cache.lock(wait=False) as held:
        assert held


def test_the_folder_is_below_the_user_s_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert EngineCache().folder == tmp_path / "face1d_ros" / "engines"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # which the XDG specification says to ignore
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert EngineCache().folder == tmp_path / "home" / ".cache" / "face1d_ros" / "engines"
