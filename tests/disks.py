"""A disk of a test's own that can be full: a file system in memory, for which it takes root."""

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

needs_mounts = pytest.mark.skipif(
    not os.environ.get("CI") and os.geteuid() != 0, reason="to mount a small file system needs root"
)


class Disk:
    """It has so many megabytes."""

    def __init__(self, path: Path, megabytes: int):
        self.path = path
        path.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%dm" % megabytes, "parley", str(path)], check=True)

    def fill(self) -> None:
        """Leave nothing."""
        with contextlib.suppress(OSError), open(self.path / "filler", "ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12):
                with contextlib.suppress(OSError):
                    while file.write(bytes(size)) == size:
                        pass

    def make_room(self) -> None:
        (self.path / "filler").unlink()

    def remove(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.path)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[int], Disk]]:
    """A function that makes a disk of so many megabytes."""
    made: list[Disk] = []

    def make(megabytes: int) -> Disk:
        made.append(Disk(tmp_path / ("disk-%d" % len(made)), megabytes))
        return made[-1]

    yield make
    for one in made:
        one.remove()
