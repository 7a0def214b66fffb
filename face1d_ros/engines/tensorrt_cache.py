"""Plans kept from start to start, in a folder of the user's own.

A plan is executable code. What is read here was written here: the folder and its files must belong to the user and be
closed to others, and beside each plan lies its hash, authenticated with a secret that never leaves the folder and with
the identity of this machine. Anything else is as good as not there, and is built again.
"""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import hmac
import json
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from face1d_ros.engines.manifest import Manifest
from face1d_ros.engines.tensorrt_build import BuildOptions
from face1d_ros.engines.tensorrt_cuda import NAME
from face1d_ros.engines.tensorrt_module import Platform
from face1d_ros.errors import EngineError

FORMAT = 1
"""Of these files, and of how plans are built: raise it when either changes."""
PLAN, TIMING, STAMP = ".plan", ".timing", ".json"
SECRET, LOCK = "secret", "lock"
NEW_FILE, NEW_SECRET = ".new-", ".secret-"
"""Of files that are not finished; a secret is written without the lock."""
SECRET_BYTES = 32
STAMP_LIMIT, PLAN_LIMIT = 64 << 10, 1 << 30
"""Bytes."""
MACHINE_ID = Path("/etc/machine-id")


@dataclass(frozen=True)
class Key:
    """All that a plan depends on, and the name of its files."""

    model: str
    fields: dict[str, Any]
    suffix: str = PLAN

    @property
    def stem(self) -> str:
        """For a person the model's name, for the rest a hash of all fields."""
        return f"{self.model}-{hashlib.sha256(_canonical(self.fields)).hexdigest()[:32]}"


def engine_key(manifest: Manifest, platform: Platform, options: BuildOptions) -> Key:
    """Of a plan."""
    fields = {"model_sha256": manifest.sha256, "options": dataclasses.asdict(options)}
    return Key(manifest.name, {"format": FORMAT, **fields, **dataclasses.asdict(platform)})


def timing_key(platform: Platform) -> Key:
    """Of what TensorRT learned about the speed of this GPU."""
    return Key("all", {"format": FORMAT, **dataclasses.asdict(platform)}, TIMING)


@dataclass(frozen=True)
class Entry:
    """A file of the cache, as far as its stamp can be believed."""

    path: Path
    fields: dict[str, Any]
    golden_error: float | None
    size_bytes: int
    is_ours: bool


def default_folder() -> Path:
    """Below the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "face1d_ros" / "engines"


class EngineCache:
    """The folder. Reading never writes, but for making the folder and its secret."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default_folder()

    def read(self, key: Key) -> bytes | None:
        """What was written under this key, unless it is missing, damaged, or not ours."""
        stamp, data = self._believed(key.stem, key.suffix) or ({}, None)
        return data if stamp.get("fields") == key.fields else None

    def write(self, key: Key, data: bytes, golden_error: float | None = None) -> Path:
        """Keep it. A reader at any moment finds the old one, none, or the new one, never half of one."""
        self._make_private()
        path = self.folder / (key.stem + key.suffix)
        (self.folder / (key.stem + STAMP)).unlink(missing_ok=True)
        self._replace(path, data)
        stamp = {"fields": key.fields, "sha256": hashlib.sha256(data).hexdigest(), "golden_error": golden_error}
        signed = {**stamp, "hmac": self._signature(key.stem, stamp)}
        self._replace(self.folder / (key.stem + STAMP), _canonical(signed))
        return path

    def entries(self) -> list[Entry]:
        """All plans, by name."""
        return [self._entry(path) for path in sorted(self.folder.glob(f"*{PLAN}"))]

    def remove(self, path: Path) -> None:
        """A plan and its stamp."""
        for suffix in (STAMP, PLAN):
            path.with_suffix(suffix).unlink(missing_ok=True)

    def clear(self) -> int:
        """Remove all files of ours, the secret too, so that nothing from before is ever believed. How many plans."""
        plans = list(self.folder.glob(f"*{PLAN}"))
        for pattern in (f"*{STAMP}", f"*{PLAN}", f"*{TIMING}", f"{NEW_FILE}*", f"{NEW_SECRET}*", SECRET):
            for path in self.folder.glob(pattern):
                path.unlink(missing_ok=True)
        return len(plans)

    @contextmanager
    def lock(self, wait: bool = True) -> Iterator[bool]:
        """Held by who builds, gone with its process. Gives whether it is held."""
        self._make_private()
        with open(os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            for left_over in self.folder.glob(f"{NEW_FILE}*"):  # by a build that was killed: nobody else is writing now
                left_over.unlink(missing_ok=True)
            yield True

    def _entry(self, path: Path) -> Entry:
        believed = self._believed(path.stem, path.suffix)
        if believed is not None:
            stamp, data = believed
            return Entry(path, stamp["fields"], stamp["golden_error"], len(data), True)
        with suppress(OSError):
            return Entry(path, {}, None, path.lstat().st_size, False)
        return Entry(path, {}, None, 0, False)

    def _believed(self, stem: str, suffix: str) -> tuple[dict[str, Any], bytes] | None:
        """A stamp and what it stands for, if both are as we wrote them."""
        if not self._is_private():
            return None
        try:
            stamp, data = self._stamp(stem), self._file(stem + suffix, PLAN_LIMIT)
        except OSError:  # no secret, and none can be made
            return None
        if stamp is None or data is None or stamp["sha256"] != hashlib.sha256(data).hexdigest():
            return None
        return stamp, data

    def _stamp(self, stem: str) -> dict[str, Any] | None:
        """What lies beside a plan, if we wrote it."""
        text = self._file(stem + STAMP, STAMP_LIMIT)
        if text is None:
            return None
        try:
            stamp = json.loads(text)
            signature = stamp.pop("hmac")
        except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
            return None
        wanted = self._signature(stem, stamp)
        if not isinstance(signature, str) or not signature.isascii() or not hmac.compare_digest(signature, wanted):
            return None
        return dict(stamp)

    def _signature(self, stem: str, stamp: dict[str, Any]) -> str:
        message = _canonical({"stem": stem, "machine": _machine(), **stamp})
        return hmac.new(self._secret(), message, hashlib.sha256).hexdigest()

    def _secret(self) -> bytes:
        """Made by whoever needs it first; the others take that one."""
        found = self._file(SECRET, SECRET_BYTES)
        if found is not None and len(found) == SECRET_BYTES:
            return found
        self._make_private()
        path = self.folder / SECRET
        temporary = self._temporary(secrets.token_bytes(SECRET_BYTES), NEW_SECRET)
        try:
            if found is None and not path.is_symlink():
                with suppress(FileExistsError):
                    os.link(temporary, path)
            if self._file(SECRET, SECRET_BYTES) is None:  # damaged, or not ours
                os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        made = self._file(SECRET, SECRET_BYTES)
        if made is None:
            raise EngineError(NAME, f"cannot keep a secret in '{self.folder}'; make the folder again")
        return made

    def _file(self, name: str, limit: int) -> bytes | None:
        """A regular file of the user's own, closed to others; None for anything else."""
        try:
            descriptor = os.open(self.folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        with open(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or not _is_own(found) or found.st_size > limit:
                return None
            data = file.read(limit + 1)
        return data if len(data) <= limit else None

    def _is_private(self) -> bool:
        try:
            found = self.folder.lstat()
        except OSError:
            return False
        return stat.S_ISDIR(found.st_mode) and _is_own(found)

    def _make_private(self) -> None:
        """The folder, for its user alone; one that others could write into held nothing that can be believed."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._is_private():
            return
        found = self.folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise EngineError(NAME, f"'{self.folder}' is no folder of this user; remove it or set XDG_CACHE_HOME")
        self.folder.chmod(0o700)
        self.clear()

    def _replace(self, path: Path, data: bytes) -> None:
        temporary = self._temporary(data)
        try:
            os.replace(temporary, path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise

    def _temporary(self, data: bytes, prefix: str = NEW_FILE) -> Path:
        """A new file with these bytes, on the disk."""
        descriptor, name = tempfile.mkstemp(dir=self.folder, prefix=prefix)  # 0600
        try:
            with open(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(descriptor)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
        return Path(name)


def _is_own(found: os.stat_result) -> bool:
    return found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _machine() -> str:
    """So that a copy of the whole folder is foreign on another machine."""
    try:
        return MACHINE_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
