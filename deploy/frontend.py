"""
Fetch what browsers need that is not ours: the libraries in deploy/frontend.json, from the npm registry.

Each is pinned to a version and to the hash of its archive, as npm's own lock files do it; only the files named are
unpacked, into var/frontend/<library>/. What is there already is not fetched again. npm itself is not needed.
NPM_CONFIG_REGISTRY names another registry, as it does for npm.
"""

import base64
import hashlib
import io
import json
import os
import shutil
import sys
import tarfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "deploy" / "frontend.json"
TARGET = ROOT / "var" / "frontend"
REGISTRY = "https://registry.npmjs.org"
#: Seconds that the registry may be silent, and bytes of an archive at most.
TIMEOUT, LIMIT = 30, 20 * 1024 * 1024


class FrontendError(Exception):
    """Raised when a library can't be fetched, or is not what the lock says. The text says what to do."""


def main() -> int:
    registry = os.environ.get("NPM_CONFIG_REGISTRY") or REGISTRY
    try:
        for name, wanted in json.loads(LOCK.read_text()).items():
            if fetch(name, wanted, TARGET, registry):
                print("Fetched %s %s into %s" % (name, wanted["version"], TARGET / name))
    except FrontendError as e:
        print(e, file=sys.stderr)
        return 1
    return 0


def fetch(name: str, wanted: dict[str, Any], target: Path, registry: str) -> bool:
    """
    Have the library's files in `target`/`name`; whether they had to be fetched. `wanted` is its entry in the lock:
    version, integrity (as npm writes it), files. Raises FrontendError.
    """
    folder = target / name
    stamp = folder / "integrity"
    there = all((folder / Path(file).name).is_file() for file in wanted["files"])
    if there and stamp.is_file() and stamp.read_text() == wanted["integrity"]:
        return False
    archive = download("%s/%s/-/%s-%s.tgz" % (registry.rstrip("/"), name, name, wanted["version"]))
    check(name, archive, wanted["integrity"])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    unpack(name, archive, wanted["files"], folder)
    # Last: what was interrupted is fetched again.
    stamp.write_text(wanted["integrity"])
    return True


def download(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as response:
            archive: bytes = response.read(LIMIT + 1)
    except (OSError, urllib.error.URLError) as e:
        raise FrontendError(
            "%s can't be fetched: %s. Connect to the network, or name a registry that can be reached in "
            "NPM_CONFIG_REGISTRY, and run this again." % (url, e)
        ) from e
    if len(archive) > LIMIT:
        raise FrontendError("%s is larger than %d bytes: it is not what is wanted." % (url, LIMIT))
    return archive


def check(name: str, archive: bytes, integrity: str) -> None:
    """Raise FrontendError unless the archive has the hash that the lock says: `sha512-` and base64."""
    kind, _, expected = integrity.partition("-")
    if kind != "sha512":
        raise FrontendError("The integrity of %s in %s must begin with sha512-." % (name, LOCK.name))
    found = base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if found != expected:
        raise FrontendError(
            "The archive of %s is not the one that deploy/%s names: its hash is sha512-%s. Nothing was unpacked."
            % (name, LOCK.name, found)
        )


def unpack(name: str, archive: bytes, files: list[str], folder: Path) -> None:
    """Write these files of the archive into the folder, without the folders that they are in there."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as package:
        for file in files:
            try:
                member = package.extractfile("package/" + file)
            except KeyError:
                member = None
            if member is None:
                raise FrontendError("There is no file %s in the archive of %s." % (file, name))
            (folder / Path(file).name).write_bytes(member.read())


if __name__ == "__main__":
    sys.exit(main())
