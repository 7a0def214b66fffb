"""The other process of `looking_apart`: it looks, and tells what it sees."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from multiprocessing.connection import Connection

from face1d_ros.errors import Face1dError
from face1d_ros.paths import printable
from face1d_ros.replay.job import unexpected
from face1d_ros.replay.looking_here import LookingHere
from face1d_ros.replay.looking_words import ENDED, LOOKED, OPENED, REFUSED, STOP
from face1d_ros.replay.shared_images import PLACES, SharedImages


def main(connection_descriptor: int, images_descriptor: int) -> None:
    """Until all is told, or whoever asked is gone."""
    for number in (signal.SIGINT, signal.SIGTERM):  # whoever asked decides
        signal.signal(number, signal.SIG_IGN)
    with Connection(connection_descriptor) as connection, suppress(EOFError, ConnectionError):
        _answer(connection, SharedImages(images_descriptor))


def _answer(connection: Connection, images: SharedImages) -> None:
    with ExitStack() as stack:
        looking = LookingHere(connection.recv())
        if problem := _problem_of(lambda: stack.enter_context(looking)):
            connection.send((REFUSED, problem))
            return
        connection.send((OPENED, looking.facts))
        problem = _problem_of(lambda: _tell_looks(looking, connection, images))
        connection.send((ENDED, (looking.account, problem)))


def _tell_looks(looking: LookingHere, connection: Connection, images: SharedImages) -> None:
    free = PLACES
    with closing(looking.looks(connection.recv())) as looks:
        for look in looks:
            while not free or connection.poll():
                if connection.recv_bytes() == STOP:
                    return
                free += 1
            free -= 1
            place = images.put(look.frame.image)
            connection.send((LOOKED, (look.frame.header, place, look.result, look.duration_s, look.state)))


def _problem_of(work: Callable[[], object]) -> str:
    """Why it could not be done; '' where it was."""
    try:
        work()
    except Face1dError as error:
        return printable(error)
    except Exception as error:  # the border of this process; if nobody is there to be told, that ends it
        return unexpected(error)
    return ""
