"""Shared memory: room for images between processes, and what ended processes have left in it."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path

from face1d_ros.cli.checks.check import Check, Level

FOLDER = Path("/dev/shm")
PROCESSES = Path("/proc")
NEEDED_MB = 256  # two participants with the segment of config/fastdds.xml, and room to spare
FAST_DDS_FILES = ("fastrtps_*", "fast_datasharing*")


def room() -> Check:
    """Room for images between processes."""
    if not FOLDER.is_dir():
        return Check("Shared memory", Level.WARNING, f"no {FOLDER}", "images go through UDP, which costs time")
    usage = shutil.disk_usage(FOLDER)
    free_mb, total_mb = usage.free // 2**20, usage.total // 2**20
    found = f"{free_mb} MB free of {total_mb} MB in {FOLDER}"
    details = {"free_mb": free_mb, "total_mb": total_mb}
    if free_mb < NEEDED_MB:
        advice = f"images need about {NEEDED_MB} MB; in a container: docker run --shm-size=1g or --ipc=host"
        return Check("Shared memory", Level.WARNING, found, advice, details)
    return Check("Shared memory", Level.OK, found, details=details)


def left_over() -> Check:
    """Files of Fast DDS that no process holds: a node that was killed could not remove its own."""
    files = sorted(path for pattern in FAST_DDS_FILES for path in FOLDER.glob(pattern))
    held = _held_files()
    names: list[str] = []
    size_bytes = 0
    for path in files:
        with suppress(OSError):  # its process has removed it meanwhile
            status = path.stat()
            # Who holds a file of somebody else cannot be seen.
            if os.getuid() in (0, status.st_uid) and str(path) not in held:
                names.append(path.name)
                size_bytes += 512 * status.st_blocks
    if not names:
        return Check("Shared memory left", Level.OK, f"nothing of ended nodes in {FOLDER}", details=names)
    found = f"{len(names)} files of nodes that were killed in {FOLDER}, {size_bytes / 1e6:.0f} MB"
    return Check("Shared memory left", Level.NOTE, found, _how_to_remove(), names)


def _held_files() -> set[str]:
    """Each file of our folder that a process of this user has mapped or open."""
    held: set[str] = set()
    for process in PROCESSES.glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or belongs to somebody else
            lines = (process / "maps").read_text(errors="replace").splitlines()
            held |= {line.split(maxsplit=5)[-1] for line in lines if f" {FOLDER}/" in line}
        with suppress(OSError):
            for link in (process / "fd").iterdir():
                with suppress(OSError):
                    held.add(os.readlink(link))
    return held


def _how_to_remove() -> str:
    beside_python = Path(sys.executable).with_name("fastdds")
    program = shutil.which("fastdds") or (str(beside_python) if beside_python.is_file() else "")
    by_hand = f"rm {' '.join(str(FOLDER / pattern) for pattern in FAST_DDS_FILES)}"
    if program:
        return f"remove them with: {program} shm clean   (what it leaves, once no node runs: {by_hand})"
    return f"once no node of this machine or of its containers runs: {by_hand}"
