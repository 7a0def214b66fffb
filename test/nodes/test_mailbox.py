from __future__ import annotations

import threading
import time

from harness import DEADLINE_S, wait_for

from face1d_ros.errors import ImageError
from face1d_ros.nodes.mailbox import FAILED, OVERTAKEN, STOPPED, Accounts, Mailbox, Worker


def test_the_newest_item_wins_and_the_others_are_counted():
    mailbox: Mailbox[int] = Mailbox()
    for item in range(5):
        mailbox.put(item)
    assert mailbox.take() == (4, Accounts(received=5, used=1, dropped=4, reasons=((OVERTAKEN, 4),)))


def test_received_is_used_plus_dropped_in_every_account_under_a_flood():
    mailbox: Mailbox[int] = Mailbox()
    accounts: list[Accounts] = []

    def consume() -> None:
        while (taken := mailbox.take()) is not None:
            accounts.append(taken[1])
            time.sleep(0.0005)

    consumer = threading.Thread(target=consume)
    consumer.start()
    producers = [threading.Thread(target=lambda: [mailbox.put(i) for i in range(2000)]) for _ in range(3)]
    for producer in producers:
        producer.start()
    for producer in producers:
        producer.join()
    mailbox.close()
    consumer.join()
    assert all(a.received == a.used + a.dropped for a in accounts)
    assert [a.used for a in accounts] == list(range(1, len(accounts) + 1))
    final = mailbox.accounts()
    assert final.received == 6000 == final.used + final.dropped


def test_what_waits_or_comes_when_it_is_closed_is_dropped():
    mailbox: Mailbox[int] = Mailbox()
    mailbox.put(1)
    mailbox.close()
    mailbox.put(2)
    assert mailbox.take() is None
    assert mailbox.accounts() == Accounts(received=2, dropped=2, reasons=((STOPPED, 2),))


def test_a_worker_survives_errors_and_counts_them_by_reason():
    done, errors = [], []

    def work(item: object, accounts: Accounts) -> None:
        if isinstance(item, Exception):
            raise item
        done.append((item, accounts))

    worker: Worker[object] = Worker("worker", work, errors.append)
    items = [1, ImageError("step", "too small"), 2, ValueError("ours"), ImageError("step", "too large"), 3]
    for index, item in enumerate(items):
        worker.mailbox.put(item)
        wait_for(lambda index=index: len(done) + len(errors) == index + 1, "the worker")
    assert worker.stop(DEADLINE_S)
    assert [item for item, _ in done] == [1, 2, 3]
    assert [error for error in items if isinstance(error, Exception)] == errors
    assert all(a.received == a.used + a.dropped for _, a in done)
    assert worker.mailbox.accounts() == Accounts(6, 3, 3, (("step", 2), (FAILED, 1)))


def test_a_worker_says_how_long_it_is_busy_and_that_it_cannot_be_stopped():
    release = threading.Event()
    worker: Worker[int] = Worker("worker", lambda item, accounts: release.wait(5.0) and None, lambda error: None)
    assert worker.busy_s() == 0.0
    worker.mailbox.put(1)
    wait_for(lambda: worker.busy_s() > 0.05, "busy")
    assert not worker.stop(0.05)
    release.set()
    assert worker.stop(DEADLINE_S)
    assert worker.busy_s() == 0.0
