"""Where the key of a gallery comes from: a private file, the environment, or the system's keyring."""

from __future__ import annotations

import base64
import importlib
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from face1d_ros.errors import GalleryFileError, GalleryKeyError, MissingDependencyError
from face1d_ros.gallery.crypto import KEY_BYTES, SecretKey
from face1d_ros.gallery.disk import NEW, make_folder, read_plain, reason, wait_for_lock, write_new
from face1d_ros.paths import printable, user_path

VARIABLE = "FACE1D_GALLERY_KEY"
MOST_KEYS = 8
_FILE_LIMIT = MOST_KEYS * (2 * KEY_BYTES + 2)
_RESTORE = "restore it from a backup"


class KeySource(Protocol):
    """What keeps the keys of a gallery. The first is the one in use; earlier ones follow."""

    @property
    def place(self) -> str:
        """Where that is, in words."""

    def read(self) -> tuple[SecretKey, ...]:
        """All keys, none where none was made. Raises GalleryKeyError."""

    def store(self, keys: Sequence[SecretKey]) -> None:
        """Keep these keys in place of those there are, whole or not at all. Raises GalleryKeyError."""

    def add(self, key: SecretKey) -> None:
        """Make a key the first, before those there are. Raises GalleryKeyError."""

    def create(self) -> SecretKey:
        """Make and keep a key, or give the one that somebody else has just made. Raises GalleryKeyError."""


@dataclass(frozen=True)
class KeyFile:
    """A file of mode 0600 with a key in hexadecimal on each line."""

    path: Path
    beside_data: bool = False
    """It may lie in the gallery's own folder, where a thief of the folder has both."""

    @property
    def place(self) -> str:
        """Where that is, in words."""
        return f"the file '{printable(self.path)}'"

    def read(self) -> tuple[SecretKey, ...]:
        """All keys, none where there is no file. Raises GalleryKeyError."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise GalleryKeyError(self.place, reason(error), "make it readable for this user alone") from error
        try:
            self._check_private(os.fstat(descriptor))
            data = read_plain(descriptor, self.path, _FILE_LIMIT)
        except GalleryFileError as error:
            raise GalleryKeyError(self.place, error.came, _RESTORE) from error
        finally:
            os.close(descriptor)
        return parsed_keys(data, self.place)

    def _check_private(self, status: os.stat_result) -> None:
        if status.st_uid != os.geteuid():
            raise GalleryKeyError(self.place, "it belongs to another user", "copy it to a file of this user")
        if status.st_mode & 0o077:
            problem = f"mode {stat.S_IMODE(status.st_mode):04o} lets others at it; 0600 is expected"
            raise GalleryKeyError(self.place, problem, "run `chmod 600` on it, or make a new key if others may have it")

    def store(self, keys: Sequence[SecretKey]) -> None:
        """Replace the file, whole or not at all. Raises GalleryKeyError."""
        with self._written(lambda: keys) as new:
            os.replace(new, self.path.resolve())

    def add(self, key: SecretKey) -> None:
        """Make a key the first; what other galleries add meanwhile is kept. Raises GalleryKeyError."""
        with self._written(lambda: before(key, self)) as new:
            os.replace(new, self.path.resolve())

    def create(self) -> SecretKey:
        """Make a key, never in the place of another. Raises GalleryKeyError."""
        with self._written(lambda: [SecretKey.random()]) as new, suppress(FileExistsError):
            os.link(new, self.path)  # where somebody else was faster, that key counts
        keys = self.read()
        if not keys:
            raise GalleryKeyError(self.place, "it is a link to nothing", "remove the link, or name another file")
        return keys[0]

    @contextmanager
    def _written(self, keys: Callable[[], Sequence[SecretKey]]) -> Iterator[Path]:
        """Keys, asked for under a lock, in a file beside it; the caller puts it in place, then the folder is synced."""
        folder = self.path.resolve().parent
        new = folder / f"{self.path.name}.{secrets.token_hex(4)}{NEW}"
        try:
            make_folder(folder)
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                with suppress(GalleryFileError):  # not every network file system locks folders
                    wait_for_lock(descriptor, folder)
                for left in folder.glob(f"{self.path.name}.{'[0-9a-f]' * 8}{NEW}"):
                    left.unlink(missing_ok=True)
                write_new(new, format_keys(keys()), descriptor)
                yield new
                os.fsync(descriptor)
            finally:
                new.unlink(missing_ok=True)
                os.close(descriptor)
        except OSError as error:
            todo = "make its folder writable, make room on the disk, or name another file"
            raise GalleryKeyError(self.place, f"it could not be written: {reason(error)}", todo) from error


@dataclass(frozen=True)
class KeyVariable:
    """An environment variable with 32 bytes in hexadecimal or base64."""

    name: str = VARIABLE

    @property
    def place(self) -> str:
        """Where that is, in words."""
        return f"the environment variable {self.name}"

    def read(self) -> tuple[SecretKey, ...]:
        """The key, none where it is not set. Raises GalleryKeyError."""
        text = os.environ.get(self.name, "")
        return parsed_keys(text.encode(errors="replace"), self.place) if text else ()

    def store(self, keys: Sequence[SecretKey]) -> None:
        """Refused: the environment is the user's."""
        todo = "set it to 32 random bytes in base64 (`openssl rand -base64 32`), and keep a copy where it is safe"
        raise GalleryKeyError(self.place, "this program does not set it", todo)

    def add(self, key: SecretKey) -> None:
        """Refused: the environment is the user's."""
        self.store([key])

    def create(self) -> SecretKey:
        """Refused: the environment is the user's."""
        self.store([])
        raise AssertionError


@dataclass(frozen=True)
class KeyRing:
    """An entry of the system's keyring, through the package `keyring`."""

    service: str = "face1d"
    entry: str = "gallery"

    @property
    def place(self) -> str:
        """Where that is, in words."""
        return f"the entry '{self.entry}' of '{self.service}' in the system's keyring"

    def read(self) -> tuple[SecretKey, ...]:
        """All keys, none where there is no entry. Raises GalleryKeyError, MissingDependencyError."""
        keyring = _keyring()
        try:
            text = keyring.get_password(self.service, self.entry)
        except keyring.errors.KeyringError as error:
            raise self._unusable(error) from error
        return parsed_keys(text.encode(errors="replace"), self.place) if text else ()

    def store(self, keys: Sequence[SecretKey]) -> None:
        """Replace the entry. Raises GalleryKeyError, MissingDependencyError."""
        keyring = _keyring()
        try:
            keyring.set_password(self.service, self.entry, format_keys(keys).decode())
        except keyring.errors.KeyringError as error:
            raise self._unusable(error) from error

    def add(self, key: SecretKey) -> None:
        """Make a key the first. Nothing locks a keyring. Raises GalleryKeyError, MissingDependencyError."""
        self.store(before(key, self))

    def create(self) -> SecretKey:
        """Make a key. Raises GalleryKeyError, MissingDependencyError."""
        self.store([SecretKey.random()])
        return self.read()[0]

    def _unusable(self, error: Exception) -> GalleryKeyError:
        return GalleryKeyError(self.place, f"it gives {type(error).__name__}", "unlock it, or use a key file")


def key_source(text: str = "auto") -> KeySource:
    """The source that a setting names: 'auto', 'environment', 'keyring', or the path of a file.

    'auto' is the environment where FACE1D_GALLERY_KEY is set, else `gallery.key` in the user's folder of settings.
    """
    if text == "environment" or (text in ("", "auto") and os.environ.get(VARIABLE)):
        return KeyVariable()
    if text in ("", "auto"):
        return KeyFile(default_key_file())
    return KeyRing() if text == "keyring" else KeyFile(user_path(text))


def default_key_file() -> Path:
    """`face1d/gallery.key` below XDG_CONFIG_HOME or ~/.config."""
    return _home("XDG_CONFIG_HOME", ".config") / "face1d" / "gallery.key"


def default_folder() -> Path:
    """`face1d/gallery` below XDG_DATA_HOME or ~/.local/share."""
    return _home("XDG_DATA_HOME", ".local/share") / "face1d" / "gallery"


def _home(variable: str, otherwise: str) -> Path:
    base = os.environ.get(variable, "")
    return Path(base) if os.path.isabs(base) else user_path("~") / otherwise


def check_place(source: KeySource, folder: Path) -> None:
    """Refuse a key file in the gallery's own folder, unless it was asked for. Raises GalleryKeyError."""
    if isinstance(source, KeyFile) and not source.beside_data:
        inside = folder.resolve()
        if any(inside in (path, *path.parents) for path in (source.path.absolute(), source.path.resolve())):
            raise GalleryKeyError(
                source.place, "it lies in the gallery's own folder", "keep it elsewhere, best on another disk"
            )


def parsed_keys(data: bytes, place: str) -> tuple[SecretKey, ...]:
    """Keys in hexadecimal or base64, one a line. Raises GalleryKeyError."""
    lines = data.split()
    keys = [key for line in lines[:MOST_KEYS] if (key := _parsed_key(line))]
    if not keys or len(keys) != len(lines):
        problem = f"{len(data)} bytes that are not one key of {KEY_BYTES} bytes in hexadecimal or base64 on each line"
        raise GalleryKeyError(place, problem, _RESTORE)
    return tuple(keys)


def _parsed_key(line: bytes) -> SecretKey | None:
    try:
        is_hex = len(line) == 2 * KEY_BYTES
        return SecretKey(bytes.fromhex(line.decode("ascii")) if is_hex else base64.b64decode(line, validate=True))
    except ValueError:
        return None


def format_keys(keys: Sequence[SecretKey]) -> bytes:
    """Keys in hexadecimal, one a line."""
    return "".join(f"{key.hex()}\n" for key in keys).encode()


def with_new_key(source: KeySource) -> SecretKey:
    """Make a key the first of a source that keeps the earlier ones, too. Raises GalleryKeyError."""
    new = SecretKey.random()
    source.add(new)
    return new


def before(key: SecretKey, source: KeySource) -> tuple[SecretKey, ...]:
    """A key, then those that a source has. Raises GalleryKeyError."""
    keys = source.read()
    if len(keys) >= MOST_KEYS:
        raise GalleryKeyError(source.place, f"it holds {len(keys)} keys already", "drop the old ones first")
    return (key, *keys)


def _keyring() -> Any:
    try:
        importlib.import_module("keyring.errors")
        return importlib.import_module("keyring")
    except ImportError as error:
        raise MissingDependencyError("keyring", "a key in the system's keyring", "run `pip install keyring`") from error
