"""
How processes of one machine wake each other, beside an SQLite file: `<file>-bells/`.

Each reader has a named pipe there, and for each channel that it waits for a link to it in the channel's folder. Whoever
has put something into a channel writes a byte into every pipe of its folder. What is left of dead readers is found out
by that: nobody reads their pipes.
"""

import contextlib
import errno
import hashlib
import logging
import os
import select
from collections.abc import Iterable
from pathlib import Path

logger = logging.getLogger(__name__)

#: Bytes that are read at once; a pipe holds 65,536.
DRAINED = 65_536
#: The folder of all pipes. It stays, even if it is empty: somebody may just be making one.
READERS = "readers"


class Fifo:
    """What one reader waits with."""

    def __init__(self, folder: Path, name: str):
        self.folder = folder
        self.path = folder / READERS / name
        self.heard: set[str] = set()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Hidden from `tidy` until someone reads it.
        new = self.path.with_name("." + name)
        os.mkfifo(new)
        self.pipe = os.open(new, os.O_RDONLY | os.O_NONBLOCK)
        os.rename(new, self.path)
        # As long as someone has it open for writing, it does not end.
        self.own = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)

    def hear(self, channels: Iterable[str]) -> None:
        """From now on, `wait` ends when one of these has something new."""
        with contextlib.suppress(BlockingIOError):
            while len(os.read(self.pipe, DRAINED)) == DRAINED:
                continue
        for channel in channels:
            if channel not in self.heard:
                self.listen(channel)

    def listen(self, channel: str) -> None:
        place = folder_of(self.folder, channel)
        while channel not in self.heard and self.path.exists():
            place.mkdir(exist_ok=True)
            # Another process may just remove the folder, which was empty.
            with contextlib.suppress(FileNotFoundError):
                os.link(self.path, place / self.path.name)
                self.heard.add(channel)

    def wait(self, seconds: float) -> bool:
        """Whether there may be something; False: the time is up."""
        poll = select.poll()
        poll.register(self.pipe, select.POLLIN)
        return bool(poll.poll(max(0.0, seconds) * 1000))

    def close(self) -> None:
        """
        For good; ends a `wait`, from any thread. The pipe itself ends with this object: another may be waiting on it.
        """
        with contextlib.suppress(BlockingIOError):
            os.write(self.own, b"x")
        for path in (*(folder_of(self.folder, channel) / self.path.name for channel in list(self.heard)), self.path):
            path.unlink(missing_ok=True)
        self.heard = set()

    def __del__(self) -> None:
        os.close(self.pipe)
        os.close(self.own)


def folder_of(folder: Path, channel: str) -> Path:
    return folder / hashlib.md5(channel.encode(), usedforsecurity=False).hexdigest()


def ring(folder: Path, channels: Iterable[str]) -> None:
    """Wake all who wait for these."""
    for channel in channels:
        try:
            for name in os.listdir(folder_of(folder, channel)):
                touch(folder_of(folder, channel) / name)
        except FileNotFoundError:
            continue  # Nobody has ever waited for it, or nobody does any more.
        except OSError as e:
            # What was sent is sent; who waits finds it with the next look.
            logger.warning("Who waits for %s could not be woken: %s", channel, e)


def touch(path: Path) -> None:
    """Write a byte. A pipe that is full has been rung already; one that nobody reads is what a dead reader left."""
    pipe = opened(path)
    if pipe is None:
        return
    try:
        os.write(pipe, b"x")
    except BlockingIOError:
        logger.debug("%s is full", path)
    except BrokenPipeError:
        # Its reader has died since it was opened.
        path.unlink(missing_ok=True)
    finally:
        os.close(pipe)


def opened(path: Path) -> int | None:
    """The pipe, to write to; None, and it is removed, if nobody reads it."""
    try:
        return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as e:
        if e.errno != errno.ENXIO:
            raise
    path.unlink(missing_ok=True)
    return None


def tidy(folder: Path) -> None:
    """Remove what the dead have left: pipes that nobody reads, and folders of channels that nobody waits for."""
    for place in folder.glob("*"):
        for path in place.glob("[!.]*"):
            with contextlib.suppress(OSError):
                if (pipe := opened(path)) is not None:
                    os.close(pipe)
        if place.name != READERS:
            with contextlib.suppress(OSError):
                place.rmdir()
