"""Child processes are watched, restarted and ended as promised. Real processes, real signals."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from stopwatch import Stopwatch, time_to_end_s

from face1d_ros.cli import supervisor
from face1d_ros.cli.supervisor import Child, Supervisor

RUN_FOREVER = "import time\nprint('ready', flush=True)\nwhile True: time.sleep(0.1)"
IGNORE_SIGTERM = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + RUN_FOREVER


def child(name: str, code: str, *, restart: bool = True) -> Child:
    return Child(name, (sys.executable, "-c", code), os.environ, restart)


class Watch:
    """A supervisor whose output and events are kept, and which can act on either."""

    def __init__(self, *children: Child) -> None:
        self.lines: list[tuple[str, str]] = []
        self.events: list[tuple[str, str]] = []
        self.supervisor = Supervisor(
            list(children), lambda *line: self.lines.append(line), lambda *event: self.events.append(event)
        )

    async def until(self, text: str, count: int = 1, within_s: float = 20.0) -> None:
        async def wait() -> None:
            while sum(text in said for _, said in self.lines + self.events) < count:
                await asyncio.sleep(0.01)

        await asyncio.wait_for(wait(), within_s)

    def run(self, script: object = None) -> int:
        async def both() -> int:
            running = asyncio.create_task(self.supervisor.run())
            if script is not None:
                await script(self)  # type: ignore[operator]
                self.supervisor.stop()
            return await running

        return asyncio.run(both())


def test_lines_come_with_the_name_of_their_process() -> None:
    async def script(watch: Watch) -> None:
        await watch.until("hello", 2)

    watch = Watch(child("a", "print('hello a')"), child("b", "print('hello b')"))
    assert watch.run(script) == 0
    assert {("a", "hello a"), ("b", "hello b")} <= set(watch.lines)


def test_a_process_that_dies_is_started_again_and_this_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FIRST_BACK_OFF_S", 0.05)

    async def script(watch: Watch) -> None:
        await watch.until("started", 3)

    watch = Watch(child("a", "raise SystemExit(3)"))
    assert watch.run(script) == 0
    said = [text for _, text in watch.events if "died" in text]
    assert "exit code 3; starting again in 0.05 s" in said[0]
    assert "starting again in 0.1 s" in said[1]
    assert watch.supervisor.restarts >= 2


def test_a_killed_process_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FIRST_BACK_OFF_S", 0.05)

    async def script(watch: Watch) -> None:
        await watch.until("ready")
        os.kill(int(watch.events[0][1].split()[-1]), signal.SIGKILL)
        await watch.until("ready", 2)

    watch = Watch(child("a", RUN_FOREVER))
    assert watch.run(script) == 0
    assert any("signal SIGKILL" in text for _, text in watch.events)


def test_a_process_that_finishes_is_not_started_again() -> None:
    watch = Watch(child("a", "pass"))
    assert watch.run() == 0
    assert watch.events[-1] == ("a", "finished")


def test_a_process_that_refuses_its_configuration_ends_everything() -> None:
    watch = Watch(child("a", "raise SystemExit(2)"), child("b", RUN_FOREVER))
    assert watch.run() == 1
    assert any("stopping everything" in text for _, text in watch.events)


def test_a_command_that_does_not_exist_ends_everything() -> None:
    watch = Watch(Child("a", ("/nowhere/program",), os.environ))
    assert watch.run() == 1
    assert "cannot be started" in watch.events[0][1]


def test_a_process_that_ignores_the_request_to_end_is_killed_within_two_seconds() -> None:
    stopped: Stopwatch | None = None

    async def script(watch: Watch) -> None:
        nonlocal stopped
        await watch.until("ready", 2)
        stopped = Stopwatch(*(int(text.split()[-1]) for _, text in watch.events if text.startswith("started")))

    watch = Watch(child("a", IGNORE_SIGTERM), child("b", IGNORE_SIGTERM))
    assert watch.run(script) == 0
    assert stopped is not None
    assert stopped.elapsed_s() < 2.0
    assert sum("killed" in text for _, text in watch.events) == 2


def test_a_line_that_never_ends_does_not_stop_the_reader() -> None:
    async def script(watch: Watch) -> None:
        await watch.until("after")

    watch = Watch(child("a", "import time\nprint('x' * (3 << 20))\nprint('after', flush=True)\ntime.sleep(60)"))
    assert watch.run(script) == 0


def test_output_that_nobody_reads_any_more_ends_everything() -> None:
    watch = Watch(child("a", RUN_FOREVER), child("b", RUN_FOREVER))

    def refuse(name: str, line: str) -> None:
        raise BrokenPipeError

    watch.supervisor._on_line = refuse
    with pytest.raises(BrokenPipeError):
        asyncio.run(asyncio.wait_for(watch.supervisor.run(), 10.0))
    assert not any(is_alive(int(text.split()[-1])) for _, text in watch.events if text.startswith("started"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_with_exit_code_0(number: signal.Signals, tmp_path: Path) -> None:
    process = start_supervisor(tmp_path)
    pid = child_process_of(process)
    process.send_signal(number)
    assert time_to_end_s(process) < 2.0
    assert process.returncode == 0
    assert not is_alive(pid)


def test_children_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    process = start_supervisor(tmp_path)
    pid = child_process_of(process)
    process.kill()
    process.wait(timeout=5)
    deadline = time.monotonic() + 20.0
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(pid)


def start_supervisor(folder: Path) -> subprocess.Popen[str]:
    """A supervisor in a process of its own, with one child that runs for ever."""
    script = folder / "supervise.py"
    script.write_text(
        "import asyncio, os, sys\n"
        "from face1d_ros.cli.supervisor import Child, Supervisor\n"
        f"child = Child('a', (sys.executable, '-c', {RUN_FOREVER!r}), os.environ)\n"
        "async def run():\n"
        "    show = lambda name, text: print(text, flush=True)\n"
        "    return await Supervisor([child], show, show).run()\n"
        "sys.exit(asyncio.run(run()))\n"
    )
    root = str(Path(__file__).parents[2])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    return subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment)


def child_process_of(process: subprocess.Popen[str]) -> int:
    """Wait until the child is ready and give its process number."""
    assert process.stdout is not None
    pid = int(process.stdout.readline().split()[-1])
    assert process.stdout.readline().strip() == "ready"
    return pid


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_of_several_failures_at_the_end_none_is_left_to_the_interpreter(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(supervisor, "GRACE_S", 0.1)
    watch = Watch(child("stubborn", IGNORE_SIGTERM))

    def refuse_line(name: str, line: str) -> None:
        raise BrokenPipeError(line)

    def refuse_kill(name: str, text: str) -> None:
        if "killed" in text:
            raise BrokenPipeError(text)

    watch.supervisor._on_line, watch.supervisor._on_event = refuse_line, refuse_kill
    with pytest.raises(BrokenPipeError):
        watch.run()
    gc.collect()
    assert capsys.readouterr().err == ""
