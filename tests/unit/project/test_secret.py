import stat
import threading

import pytest
from django.core.exceptions import ImproperlyConfigured

from project.secret import kept_secret


def test_the_secret_is_made_once_and_for_its_owner_only(tmp_path):
    path = tmp_path / "var" / "secret_key"
    first = kept_secret(path)
    assert len(first) > 50
    assert kept_secret(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_all_who_start_at_once_get_the_same(tmp_path):
    found = []
    threads = [threading.Thread(target=lambda: found.append(kept_secret(tmp_path / "key"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_where_none_can_be_kept_it_says_which_setting_is_missing(tmp_path):
    """As in the sandbox of the systemd units, which may not write here."""
    (tmp_path / "var").write_text("no folder")
    with pytest.raises(ImproperlyConfigured, match=r"^SECRET_KEY is not set, .* in .*/var/secret_key"):
        kept_secret(tmp_path / "var" / "secret_key")
