"""Ends a process that changes a gallery at each of its system calls, or at random moments; prints what was found.

Started by test_killed.py as a process of its own, without other threads, so that it can fork.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from unittest import mock

from gallery_cases import AGREED, NOW, Case, unit
from operations import OPERATIONS, outcome, reopened, template
from system_calls import DIED, Calls

from face1d_ros.gallery import disk, keys

MOST_CALLS = 200


def calls_in_place() -> Calls:
    calls = Calls()
    mock.patch.object(disk, "os", calls).start()
    mock.patch.object(keys, "os", calls).start()
    return calls


def at_each_call(root: Path) -> dict[str, Counter[str]]:
    """By operation, how many deaths left the gallery as before and as after."""
    calls = calls_in_place()
    whole = Case(root / "whole")
    handles = template(whole)
    found: dict[str, Counter[str]] = {}
    for name, operation in OPERATIONS.items():
        found[name] = Counter()
        case = whole.copied_to(root / "copy")
        gallery = case.open()
        calls.begin()
        operation.run(case, gallery, handles)
        names = [call for call, _ in calls.made]
        deaths = [(number, "before") for number in range(len(names))]
        deaths += [(number, "half") for number, call in enumerate(names) if call == "write"]
        for number, how in deaths:
            case = whole.copied_to(root / "copy")
            child = os.fork()
            if child == 0:
                gallery = case.open()
                calls.die_at(number, how)
                operation.run(case, gallery, handles)
                os._exit(0)
            _, status = os.waitpid(child, 0)
            assert os.waitstatus_to_exitcode(status) == DIED, (name, number, how)
            gallery = reopened(case)
            found[name][outcome(case, gallery, operation, handles)] += 1
            case.check_tidy(gallery)
    return found


def first_opening(root: Path) -> int:
    """How many deaths while a gallery and its key are made were followed by an opening that worked."""
    calls = calls_in_place()
    for number in range(MOST_CALLS):
        case = Case(root / f"first{number}")
        child = os.fork()
        if child == 0:
            calls.die_at(number, "half")
            case.open()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        calls.begin()
        gallery = case.open()
        assert gallery.is_empty and len(case.source.read()) == 1
        case.check_tidy(gallery)
        case.open().rotate_key()
        assert len(case.source.read()) == 2
        assert os.listdir(case.source.path.parent) == ["gallery.key"], "a new key leaves nothing of an earlier death"
        if os.waitstatus_to_exitcode(status) == 0:
            return number
    raise AssertionError("it never ended")


def at_random_moments(root: Path, kills: int) -> Counter[str]:
    """Enrol and forget in a process that is killed again and again; what was confirmed must hold."""
    case, chance, seen = Case(root / "random"), random.Random(1), Counter[str]()
    there: set[str] = set()
    assert case.open().is_empty
    for _ in range(kills):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            work(case, sorted(there), write)
        os.close(write)
        with os.fdopen(read) as pipe:
            lines = [pipe.readline().split() for _ in range(chance.randrange(1, 8))]
            time.sleep(chance.uniform(0.0, 0.01))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            lines += [line.split() for line in pipe.read().splitlines()]
        asked = {line[1] for line in lines if line[0] == "forgetting"}
        gone = {line[1] for line in lines if line[0] == "forgotten"}
        there |= {line[1] for line in lines if line[0] == "enrolled"}
        gallery = case.open()
        now = {subject.handle for subject in gallery.subjects()}
        assert not gallery.damage() and not now & gone and there - asked <= now
        assert len(now - there) <= 1, "at most the one that was not confirmed"
        case.check_tidy(gallery)
        seen.update({"changes": len(lines), "unconfirmed": len(now - there) + len((asked - gone) - now)})
        there = now
    return seen


def work(case: Case, known: list[str], pipe: int) -> None:
    gallery, chance = case.open(), random.Random(len(known))
    while True:
        if len(known) > 5:
            handle = known.pop(chance.randrange(len(known)))
            os.write(pipe, f"forgetting {handle}\n".encode())
            gallery.forget(handle)
            os.write(pipe, f"forgotten {handle}\n".encode())
        else:
            known.append(gallery.enrol(unit(chance.randrange(100)), consent=AGREED, now_ns=NOW))
            os.write(pipe, f"enrolled {known[-1]}\n".encode())


if __name__ == "__main__":
    ways = {"calls": at_each_call, "first": first_opening, "random": lambda root: at_random_moments(root, 25)}
    print(json.dumps(ways[sys.argv[1]](Path(sys.argv[2]))))
