"""Reads .msg, .srv and .action files with their comments, for the documentation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_LINE = re.compile(
    r"(?P<type>[\w/]+(?:\[\d*\])?)\s+(?P<name>\w+)(?:\s*=\s*(?P<value>[^#\s]+))?\s*(?:#\s*(?P<note>.*))?"
)
SEPARATOR = "---"


@dataclass
class Entry:
    """A field or a constant."""

    type: str
    name: str
    value: str
    """Of a constant; empty for a field."""
    note: str


@dataclass(frozen=True)
class Interface:
    """One file: one part for a message, two for a service, three for an action."""

    name: str
    description: str
    parts: tuple[tuple[Entry, ...], ...]


def read_interface(path: Path) -> Interface:
    """Read a file. A comment alone on an indented line continues the one above it."""
    description: list[str] = []
    parts: list[list[Entry]] = [[]]
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith(SEPARATOR):
            parts.append([])
        elif line.startswith("#"):
            description.append(line.lstrip("# "))
        elif line.lstrip().startswith("#"):
            entry = parts[-1][-1]
            entry.note = f"{entry.note} {line.strip().lstrip('# ')}".strip()
        elif line.strip():
            parts[-1].append(_entry(path, line))
    return Interface(path.stem, " ".join(description), tuple(tuple(part) for part in parts))


def _entry(path: Path, line: str) -> Entry:
    found = _LINE.fullmatch(line.strip())
    if found is None:
        raise ValueError(f"{path}: cannot read '{line}'")
    return Entry(found["type"], found["name"], found["value"] or "", found["note"] or "")
