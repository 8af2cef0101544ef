"""The secret key of a deployment that was given none."""

import os
import secrets
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def kept_secret(path: Path) -> str:
    """
    The secret in the file `path`, which is made when it isn't there, readable by its owner only.

    All processes of one machine so share a key, and sessions outlive a restart. Of processes that start at once, one
    makes the file whole under another name and the rest use it.
    """
    try:
        make(path)
        return path.read_text()
    except OSError as e:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set, and none can be kept in %s (%s). Set it to the same long text for all processes: "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(50))' makes one." % (path, e.strerror)
        ) from e


def make(path: Path) -> None:
    """Make the file, unless it is there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # mkstemp lets only the owner read.
        descriptor, draft = tempfile.mkstemp(dir=path.parent)
        with open(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(50))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # Another process was first: its key is the key.
        finally:
            os.unlink(draft)
