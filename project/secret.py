"""The secret key of a deployment that was given none."""

import os
import secrets
from pathlib import Path


def kept_secret(path: Path) -> str:
    """
    The secret in the file `path`, which is made when it isn't there, readable by its owner only.

    All processes of one machine so share a key, and sessions outlive a restart. Of processes that start at once, one
    makes the file whole under another name and the rest use it.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name("%s.%d" % (path.name, os.getpid()))
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(50))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # Another process was first: its key is the key.
        finally:
            draft.unlink()
    return path.read_text()
