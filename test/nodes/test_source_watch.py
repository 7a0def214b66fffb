"""What a source leaves out and how its time jumps, over several openings."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

from face1d_ros.nodes.source_watch import SourceWatch


def source(**skipped: int) -> SimpleNamespace:
    return SimpleNamespace(skipped=Counter(skipped))


def test_what_is_left_out_is_counted_on_and_told_when_it_grows() -> None:
    watch, first, second = SourceWatch(), source(), source()
    assert (watch.grown(), watch.recent(60.0), watch.values()) == ("", "", {"source_time_jumps": 0})
    watch.opened(first)
    first.skipped["size"] += 2
    assert watch.grown() == watch.recent(60.0) == "the source leaves frames out: 2 size"
    assert watch.grown() == ""
    watch.opened(second)
    second.skipped.update(size=1, undecodable=4)
    assert watch.grown() == "the source leaves frames out: 3 size, 4 undecodable"
    assert watch.values() == {"source_time_jumps": 0, "skipped.size": 3, "skipped.undecodable": 4}
    assert watch.recent(0.0) == ""


def test_a_jump_is_told_but_not_where_the_source_is_opened_again() -> None:
    watch = SourceWatch()
    watch.opened(source())
    assert [watch.note(stamp_s * 10**9) for stamp_s in (5, 6)] == ["", ""]
    assert watch.note(2 * 10**9) == watch.recent(60.0) == "the source's time jumped back by 4.000 s"
    watch.opened(source())
    assert watch.note(0) == ""
    assert watch.values()["source_time_jumps"] == 1
