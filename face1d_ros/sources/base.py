"""What every source of frames looks like."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Protocol, TypeVar

from face1d_ros.errors import SourceNotFoundError, SourceUnreadableError
from face1d_ros.geometry.camera_model import Camera
from face1d_ros.types import Frame

Self = TypeVar("Self", bound="Source")


class Source(Protocol):
    """Frames of one size, in order. Open it with `with`; ask for `frames` once."""

    @property
    def description(self) -> str:
        """What it is, for logs: name, size, rate, and what differs from what was asked."""
        ...

    @property
    def width(self) -> int:
        """Pixels."""
        ...

    @property
    def height(self) -> int:
        """Pixels."""
        ...

    @property
    def rate_hz(self) -> float | None:
        """Frames a second by the stamps; None where unknown."""
        ...

    @property
    def length(self) -> int | None:
        """Frames there are; None where unknown or endless."""
        ...

    @property
    def live(self) -> bool:
        """True where frames come at their own pace and wait for nobody."""
        ...

    @property
    def camera(self) -> Camera | None:
        """Its calibration, where the source itself brings one."""
        ...

    @property
    def skipped(self) -> Counter[str]:
        """Frames left out so far, by reason."""
        ...

    def frames(self) -> Iterator[Frame]:
        """All frames. Ends with the source; raises SourceError when it breaks."""
        ...

    def __enter__(self: Self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Opened:
    """The part of a source that `with` needs; `close` frees what it holds. It brings no calibration."""

    camera: Camera | None = None

    def close(self) -> None:
        """Frees nothing."""

    def __enter__(self: OpenedSelf) -> OpenedSelf:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


OpenedSelf = TypeVar("OpenedSelf", bound=Opened)


def stamp_of(index: int, rate_hz: float) -> int:
    """Nanoseconds of a frame by its number, rounded once so that no error adds up."""
    return round(index * 1e9 / rate_hz)


def told(reasons: Mapping[str, int]) -> str:
    """Frames that were left out, by reason, in words: '3 size, 1 unreadable'."""
    return ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()) if count)


def check_exists(path: str | Path) -> Path:
    """The path, if something is there."""
    path = Path(path)
    try:
        path.stat()
    except PermissionError as error:
        raise SourceUnreadableError(path, "permission denied; a folder above it must be entered: chmod +x") from error
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise SourceNotFoundError(
            path, "check the path; without a leading / it starts at the current folder"
        ) from error
    except OSError as error:
        raise SourceUnreadableError(path, f"cannot be reached: {error.strerror or error}") from error
    return path


def files_of(path: Path) -> list[Path]:
    """The file itself, or the files of a folder by their names; folders below it are left out. Raises OSError."""
    return sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path]


def unlistable(path: Path, error: OSError) -> SourceUnreadableError:
    """Why the files in a folder cannot be named."""
    if isinstance(error, PermissionError):
        return SourceUnreadableError(path, f"permission denied; allow it: chmod u+rx {path}")
    return SourceUnreadableError(path, f"cannot be read: {error.strerror or error}")


def check_file(path: str | Path) -> Path:
    """The path, if it is a file that may be read and holds something."""
    path = check_exists(path)
    if not os.path.isfile(path):
        raise SourceUnreadableError(path, "is not a file")
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except PermissionError as error:
        raise SourceUnreadableError(path, f"permission denied; make it readable: chmod u+r {path}") from error
    except OSError as error:
        raise SourceUnreadableError(path, f"cannot be read: {error.strerror or error}") from error
    if empty:
        raise SourceUnreadableError(path, "is empty (0 bytes); record or copy it again")
    return path
