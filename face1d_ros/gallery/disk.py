"""Files of a gallery: read with limits, written whole or not at all, in a folder that one process at a time changes."""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from face1d_ros.errors import GalleryBusyError, GalleryFileError, GalleryWriteError
from face1d_ros.paths import printable

LOCK = "lock"
NEW = ".new"
"""Ends the names of files that are being written."""
PATIENCE_S = 5.0
_PAUSE_S = 0.02
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Folder:
    """A private folder while this process holds its lock. Names are plain file names in it."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    def names(self) -> list[str]:
        """What is in it."""
        try:
            return sorted(os.listdir(self._descriptor))
        except OSError as error:
            raise unreadable(self.path, error) from error

    def read(self, name: str, limit: int) -> bytes | None:
        """A plain file's bytes, or None where there is no such name. Raises GalleryFileError, also above `limit`."""
        try:
            descriptor = os.open(name, _READ | os.O_NOFOLLOW, dir_fd=self._descriptor)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unreadable(self.path / name, error) from error
        try:
            return read_plain(descriptor, self.path / name, limit)
        finally:
            os.close(descriptor)

    def stage(self, name: str, data: bytes) -> str:
        """Write what shall become `name`, down to the disk, under another name, which is returned."""
        staged = f"{name}.{secrets.token_hex(4)}{NEW}"
        try:
            write_new(staged, data, self._descriptor)
        except OSError as error:
            self.discard(staged)
            raise unwritten(self.path / name, error) from error
        return staged

    def rename(self, source: str, name: str) -> None:
        """Put a file in the place of another, or of none."""
        try:
            os.rename(source, name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
        except OSError as error:
            raise unwritten(self.path / name, error) from error

    def sync(self) -> None:
        """Have the disk keep the names as they are now."""
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            raise unwritten(self.path, error) from error

    def remove(self, name: str) -> None:
        """Remove a file; none of that name is fine."""
        try:
            os.unlink(name, dir_fd=self._descriptor)
        except FileNotFoundError:
            return
        except OSError as error:
            raise unwritten(self.path / name, error) from error

    def discard(self, name: str) -> None:
        """Remove a file if that is possible now; if not, the next opening does it."""
        with suppress(GalleryWriteError):
            self.remove(name)


@contextmanager
def locked(path: Path, patience_s: float = PATIENCE_S) -> Iterator[Folder]:
    """The folder, made if there is none, while no other process has it. Raises GalleryError."""
    descriptor = _private_folder(path)
    try:
        lock = _lock_file(path, descriptor)
        try:
            wait_for_lock(lock, path, patience_s)
            yield Folder(path, descriptor)
        finally:
            os.close(lock)
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Make a folder for its owner alone, with those above it, so that they outlast a power cut. Raises OSError."""
    if path.is_dir():
        return
    make_folder(path.parent)
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _private_folder(path: Path) -> int:
    try:
        make_folder(path)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise unreadable(path, error) from error
    try:
        status = os.fstat(descriptor)
        if status.st_uid != os.geteuid():
            raise GalleryFileError(path, "a folder of another user", "one of this user", "name another folder")
        if status.st_mode & 0o077 and not os.listdir(descriptor):
            os.fchmod(descriptor, 0o700)
            status = os.fstat(descriptor)
        if status.st_mode & 0o077:
            came = f"mode {stat.S_IMODE(status.st_mode):04o}"
            raise GalleryFileError(path, came, "0700, for its owner alone", f"run `chmod 700 '{printable(path)}'`")
    except OSError as error:
        os.close(descriptor)
        raise unreadable(path, error) from error
    except GalleryFileError:
        os.close(descriptor)
        raise
    return descriptor


def _lock_file(path: Path, folder: int) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        descriptor = os.open(LOCK, flags, 0o600, dir_fd=folder)
    except OSError as error:
        raise unreadable(path / LOCK, error) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise not_plain(path / LOCK)
    return descriptor


def wait_for_lock(descriptor: int, path: Path, patience_s: float = PATIENCE_S) -> None:
    """Lock an open file until it is closed. Raises GalleryBusyError."""
    for _ in range(round(patience_s / _PAUSE_S) + 1):
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE_S)
        except OSError as error:
            raise unreadable(path, error) from error
    raise GalleryBusyError(printable(path), patience_s)


def read_plain(descriptor: int, path: Path, limit: int) -> bytes:
    """All bytes of an open plain file of at most `limit`. Raises GalleryFileError."""
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise not_plain(path)
        if status.st_size > limit:
            raise _too_large(path, limit)
        data = bytearray()
        while piece := os.read(descriptor, limit + 1 - len(data)):
            data += piece
            if len(data) > limit:
                raise _too_large(path, limit)
    except OSError as error:
        raise unreadable(path, error) from error
    return bytes(data)


def write_new(name: str | Path, data: bytes, folder: int | None = None) -> None:
    """Write a file of mode 0600 that must not be there yet, down to the disk. Raises OSError."""
    descriptor = os.open(name, _CREATE, 0o600, dir_fd=folder)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unreadable(path: Path, error: OSError) -> GalleryFileError:
    """The error for what cannot be read."""
    return GalleryFileError(
        printable(path), reason(error), "what this process may read", "check what it is, its owner and its mode"
    )


def unwritten(path: Path, error: OSError) -> GalleryWriteError:
    """The error for what cannot be written."""
    return GalleryWriteError(printable(path), reason(error))


def not_plain(path: Path) -> GalleryFileError:
    """The error for a folder, link, pipe or device in the place of a file."""
    return GalleryFileError(
        printable(path), "something that is no plain file", "a plain file", "move it out of the way"
    )


def _too_large(path: Path, limit: int) -> GalleryFileError:
    return GalleryFileError(
        printable(path), "more bytes than any such file has", f"at most {limit}", "restore it from a backup"
    )


def reason(error: BaseException | None) -> str:
    """What the system says, without the path."""
    return (error.strerror if isinstance(error, OSError) else "") or type(error).__name__
