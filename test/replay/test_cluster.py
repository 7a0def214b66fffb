"""Several jobs at once: on processes of this machine, and on the workers of a scheduler."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # cluster_jobs.py, which the workers import too

import cluster_jobs
from cluster_jobs import FRAMES
from processes import is_there, wait_for

from face1d_ros.errors import ClusterError
from face1d_ros.replay.cluster import check_workers, connected, local_cluster
from face1d_ros.replay.cluster_run import run_on_cluster
from face1d_ros.replay.job import DONE, FAILED, STOPPED, Job, Outcome, Progress

ROOT = Path(__file__).parents[2]
DEADLINE_S = 60.0


class Watch:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.progress: list[tuple[int, Progress]] = []
        self.notes: list[str] = []
        self.ended: list[int] = []

    def tell(self, index: int, progress: Progress) -> None:
        self.progress.append((index, progress))

    def note(self, text: str) -> None:
        self.notes.append(text)

    def end(self, index: int, outcome: Outcome) -> None:
        self.ended.append(index)


def nothing() -> None:
    """While it waits."""


def never() -> bool:
    return False


def jobs_in(folder: Path, *deaths: int) -> list[Job]:
    """A job for each number, which says how often its worker dies of it."""
    return [Job(f"/bags/{number}", str(folder / str(number)), topic=str(count)) for number, count in enumerate(deaths)]


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with local_cluster(2) as made:
        yield made


@contextmanager
def remote(folder: Path, workers: int = 1, **environment: str) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and its workers as people start them; its address, and the processes: the scheduler first."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    paths = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    env = {**os.environ, "PYTHONPATH": paths, **environment}
    dask = [sys.executable, "-m", "dask"]
    scheduler = [*dask, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    worker = [*dask, "worker", address, "--nthreads", "1", "--no-dashboard", "--no-nanny", "--local-directory", folder]
    started: list[subprocess.Popen[bytes]] = []
    try:
        for command in (scheduler, *[worker] * workers):
            output = (folder / f"dask_{len(started)}.log").open("wb")
            started.append(subprocess.Popen(command, env=env, cwd=folder, stdout=output, stderr=subprocess.STDOUT))
        yield address, started
    finally:
        for process in started:
            process.kill()
            process.wait()


class TestOnThisMachine:
    def test_all_jobs_are_done_and_told_in_their_order(self, client: Any, tmp_path: Path) -> None:
        watch = Watch()
        jobs = jobs_in(tmp_path, 0, 0, 0)
        outcomes = run_on_cluster(client, jobs, watch, nothing, never, cluster_jobs.counted)
        assert [(outcome.source, outcome.state, outcome.frames) for outcome in outcomes] == [
            (job.source, DONE, FRAMES) for job in jobs
        ]
        assert sorted(watch.ended) == [0, 1, 2]
        assert {index for index, _ in watch.progress} == {0, 1, 2}
        assert all(progress.announced == FRAMES for _, progress in watch.progress)
        assert watch.notes == []

    def test_two_processes_work_at_the_same_time_and_none_is_this_one(self, client: Any, tmp_path: Path) -> None:
        run_on_cluster(client, jobs_in(tmp_path, 0, 0), Watch(), nothing, never, cluster_jobs.counted)
        pids = {int(path.read_text()) for path in tmp_path.glob("*/life_0")}
        assert len(pids) == 2
        assert os.getpid() not in pids

    def test_a_job_whose_worker_dies_is_tried_again_and_goes_on(self, client: Any, tmp_path: Path) -> None:
        watch = Watch()
        outcomes = run_on_cluster(client, jobs_in(tmp_path, 1, 0), watch, nothing, never, cluster_jobs.counted)
        assert [outcome.state for outcome in outcomes] == [DONE, DONE]
        assert outcomes[0].resumed_at == FRAMES // 2
        assert watch.notes == ["a worker has died; /bags/0 is tried again, and goes on where it was"]

    def test_a_job_whose_workers_die_twice_fails_and_the_others_go_on(self, client: Any, tmp_path: Path) -> None:
        watch = Watch()
        jobs = jobs_in(tmp_path, 9, 0, 0, 0)
        outcomes = run_on_cluster(client, jobs, watch, nothing, never, cluster_jobs.counted)
        assert [outcome.state for outcome in outcomes] == [FAILED, DONE, DONE, DONE]
        assert "died 2 times" in outcomes[0].error
        assert sorted(watch.ended) == [0, 1, 2, 3]

    def test_an_error_of_ours_is_told_and_the_others_go_on(self, client: Any, tmp_path: Path) -> None:
        outcomes = run_on_cluster(client, jobs_in(tmp_path, 0, 0), Watch(), nothing, never, cluster_jobs.broken)
        assert [outcome.state for outcome in outcomes] == [FAILED, FAILED]
        assert outcomes[0].error.startswith("ZeroDivisionError: nobody has thought of this")

    def test_a_stop_ends_those_at_work_and_begins_no_other(self, client: Any, tmp_path: Path) -> None:
        jobs = jobs_in(tmp_path, 0, 0, 0)
        outcomes = run_on_cluster(
            client, jobs, Watch(), nothing, lambda: len(list(tmp_path.glob("*/began"))) == 2, cluster_jobs.endless
        )
        assert [outcome.state for outcome in outcomes] == [STOPPED] * 3
        assert len(list(tmp_path.glob("*/ended"))) == 2
        assert outcomes[2].frames == 0

    def test_a_worker_that_comes_after_a_stop_is_told_too(self, client: Any, tmp_path: Path) -> None:
        (outcome,) = run_on_cluster(
            client,
            jobs_in(tmp_path, 0),
            Watch(),
            nothing,
            (tmp_path / "0" / "began").exists,
            cluster_jobs.dying_of_a_stop,
        )
        assert outcome.state == STOPPED

    def test_the_next_replay_is_not_stopped_with_the_one_before(self, client: Any, tmp_path: Path) -> None:
        run_on_cluster(client, jobs_in(tmp_path / "a", 0), Watch(), nothing, lambda: True, cluster_jobs.endless)
        outcomes = run_on_cluster(client, jobs_in(tmp_path / "b", 0), Watch(), nothing, never, cluster_jobs.counted)
        assert [outcome.state for outcome in outcomes] == [DONE]

    def test_processes_compute_with_what_this_one_has(self, client: Any, tmp_path: Path) -> None:
        """Dask would set threads of libraries, and with them how sums are rounded."""
        outcomes = run_on_cluster(client, jobs_in(tmp_path, 0), Watch(), nothing, never, cluster_jobs.environment_of)
        assert outcomes[0].note == os.environ.get("OMP_NUM_THREADS", "none")

    def test_nobody_else_can_have_code_run(self, client: Any) -> None:
        """All ports are of this machine alone, and ask for a certificate that only this process has."""
        from distributed import Client

        assert client.scheduler.address.startswith("tls://127.0.0.1:")
        plain = client.scheduler.address.replace("tls://", "tcp://")
        with pytest.raises((OSError, TimeoutError)):
            Client(plain, timeout=1.0, set_as_default=False)

    def test_the_processes_end_with_the_cluster_and_leave_nothing(self, tmp_path: Path) -> None:
        with local_cluster(1) as made:
            run_on_cluster(made, jobs_in(tmp_path, 0), Watch(), nothing, never, cluster_jobs.counted)
            pid = int((tmp_path / "0" / "life_0").read_text())
            assert is_there(pid)
        wait_for(lambda: not is_there(pid), "the worker's end")


class TestOnAScheduler:
    def test_jobs_are_done_by_its_workers_and_one_that_is_killed_costs_a_try(self, tmp_path: Path) -> None:
        jobs = jobs_in(tmp_path, 1, 0, 0)
        watch = Watch()
        with remote(tmp_path, workers=2) as (address, processes), connected(address) as client:
            client.wait_for_workers(2, timeout=DEADLINE_S)
            outcomes = run_on_cluster(client, jobs, watch, nothing, never, cluster_jobs.counted)
            wait_for(lambda: any(process.poll() is not None for process in processes), "the death of a worker")
        assert [outcome.state for outcome in outcomes] == [DONE, DONE, DONE]
        assert watch.notes == ["a worker has died; /bags/0 is tried again, and goes on where it was"]
        assert {index for index, _ in watch.progress} == {0, 1, 2}

    def test_a_scheduler_that_is_lost_is_told(self, tmp_path: Path) -> None:
        with remote(tmp_path) as (address, processes), connected(address) as client:

            def kill() -> None:
                if (tmp_path / "0" / "began").exists():
                    processes[0].kill()

            with pytest.raises(ClusterError, match="the same command goes on"):
                run_on_cluster(client, jobs_in(tmp_path, 0), Watch(), kill, never, cluster_jobs.endless)

    def test_a_job_ends_when_nobody_waits_for_it_any_more(self, tmp_path: Path) -> None:
        """As when the one who asked was killed: its worker is free again, and the folder may be gone on with."""
        code = (
            "import cluster_jobs, sys; from test_cluster import *\n"
            "with connected(sys.argv[1]) as client:\n"
            "    run_on_cluster(client, jobs_in(Path(sys.argv[2]), 0), Watch(), nothing, never, cluster_jobs.endless)"
        )
        with remote(tmp_path) as (address, _):
            env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(__file__).parent)])}
            asker = subprocess.Popen([sys.executable, "-c", code, address, str(tmp_path)], env=env)
            wait_for((tmp_path / "0" / "began").exists, "the job's beginning")
            asker.send_signal(signal.SIGKILL)
            asker.wait()
            wait_for((tmp_path / "0" / "ended").exists, "the job's end")

    def test_nobody_at_the_address_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("face1d_ros.replay.cluster.CONNECT_S", 0.5)
        with pytest.raises(ClusterError, match=r"no Dask scheduler answers at 'tcp://127.0.0.1:9'"):
            connected("tcp://127.0.0.1:9").__enter__()
        with pytest.raises(ClusterError, match="no Dask scheduler answers at 'nonsense://x'"):
            connected("nonsense://x").__enter__()
        with pytest.raises(ClusterError, match="missing port number in address 'nonsense'"):
            connected("nonsense").__enter__()

    def test_certificates_that_are_not_set_are_told(self) -> None:
        with pytest.raises(ClusterError, match="asks for certificates, and none are set"):
            connected("tls://127.0.0.1:9").__enter__()

    def test_a_scheduler_without_workers_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with remote(tmp_path, workers=0) as (address, _):
            wait_for(lambda: b"Scheduler at" in (tmp_path / "dask_0.log").read_bytes(), "the scheduler")
            monkeypatch.setattr("face1d_ros.replay.cluster.CONNECT_S", 2.0)
            with pytest.raises(ClusterError, match="has no workers; start some with `dask worker tcp://"):
                connected(address).__enter__()


class TestWhatWorkersSee:
    def job(self, tmp_path: Path, name: str = "film.mp4") -> Job:
        source = tmp_path / name
        source.write_bytes(b"frames")
        (tmp_path / "out").mkdir(exist_ok=True)
        return Job(str(source), str(tmp_path / "out" / "film"))

    def test_the_same_files_are_fine_and_nothing_is_left(self, client: Any, tmp_path: Path) -> None:
        check_workers(client, [self.job(tmp_path)])
        assert list((tmp_path / "out").iterdir()) == []

    def test_a_source_that_is_nowhere_is_left_to_whoever_opens_it(self, client: Any, tmp_path: Path) -> None:
        job = self.job(tmp_path)
        Path(job.source).unlink()
        check_workers(client, [job])

    @pytest.mark.parametrize(
        ("answer", "says"),
        [
            ({"sources": (("No such file or directory", 0),)}, "does not see .*film.mp4: No such file"),
            ({"sources": (("", 5),)}, r"sees another .*film.mp4 \(5 bytes, here it has 6\)"),
            ({"folders": ("is another folder",)}, "out is another folder, as the Dask worker"),
            ({"version": "0.0.0"}, "has face1d_ros 0.0.0, expected .* install the same version"),
        ],
    )
    def test_another_view_is_refused(
        self, client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: dict, says: str
    ) -> None:
        from face1d_ros.replay import visible

        job = self.job(tmp_path)
        monkeypatch.setattr(client, "run", lambda *_, **__: {"tcp://there": self.looked(visible, answer)})
        with pytest.raises(ClusterError, match=says):
            check_workers(client, [job])

    def looked(self, visible: Any, answer: dict) -> Any:
        from face1d_ros import __version__

        sources = tuple(visible.Seen(*each) for each in answer.get("sources", (("", 6),)))
        return visible.Looked(answer.get("version", __version__), sources, answer.get("folders", ("",)))

    def test_a_worker_without_this_package_is_told(self, client: Any, tmp_path: Path, monkeypatch: Any) -> None:
        error = ModuleNotFoundError("No module named 'face1d_ros'")
        monkeypatch.setattr(client, "run", lambda *_, **__: {"tcp://there": error})
        with pytest.raises(ClusterError, match=r"tcp://there cannot replay: No module named .* install face1d_ros"):
            check_workers(client, [self.job(tmp_path)])
