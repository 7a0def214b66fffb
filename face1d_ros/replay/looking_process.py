"""The other process of `looking_apart`: it looks, and tells what it sees."""

from __future__ import annotations

from contextlib import closing, suppress
from multiprocessing.connection import Connection

from face1d_ros.errors import Face1dError
from face1d_ros.paths import printable
from face1d_ros.replay.job import unexpected
from face1d_ros.replay.looking_here import LookingHere
from face1d_ros.replay.looking_words import ENDED, LOOKED, OPENED, REFUSED, STOP
from face1d_ros.replay.shared_images import PLACES, SharedImages


def main(connection_descriptor: int, images_descriptor: int) -> None:
    """Until all is told, or whoever asked is gone."""
    with Connection(connection_descriptor) as connection, suppress(EOFError, ConnectionError):
        _answer(connection, SharedImages(images_descriptor))


def _answer(connection: Connection, images: SharedImages) -> None:
    task = connection.recv()
    try:
        with LookingHere(task) as looking:
            connection.send((OPENED, looking.facts))
            problem = _tell_looks(looking, connection, images)
            connection.send((ENDED, (looking.account, problem)))
    except (EOFError, ConnectionError):
        raise
    except Exception as error:
        connection.send((REFUSED, _in_words(error)))


def _tell_looks(looking: LookingHere, connection: Connection, images: SharedImages) -> str:
    """Why there are no more; '' where all were told, or no more are wanted."""
    free = PLACES
    try:
        with closing(looking.looks(connection.recv())) as looks:
            for look in looks:
                while not free or connection.poll():
                    if connection.recv_bytes() == STOP:
                        return ""
                    free += 1
                free -= 1
                place = images.put(look.frame.image)
                connection.send((LOOKED, (look.frame.header, place, look.result, look.duration_s, look.state)))
    except (EOFError, ConnectionError):
        raise
    except Exception as error:
        return _in_words(error)
    return ""


def _in_words(error: Exception) -> str:
    return printable(error) if isinstance(error, Face1dError) else unexpected(error)
