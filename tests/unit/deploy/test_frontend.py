import base64
import hashlib
import io
import json
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from deploy import frontend
from deploy.frontend import FrontendError, fetch
from tests.databases import ROOT
from tests.ports import free_port


def archive_of(**files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as package:
        for name, text in files.items():
            member = tarfile.TarInfo("package/" + name.replace("__", "/").replace("_", "."))
            member.size = len(text)
            package.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


ARCHIVE = archive_of(dist__chart_js="draw()", LICENSE="MIT", dist__other_js="no")


def wanted(archive=ARCHIVE, files=("dist/chart.js", "LICENSE")):
    digest = base64.b64encode(hashlib.sha512(archive).digest()).decode()
    return {"version": "1.2.3", "integrity": "sha512-" + digest, "files": list(files)}


@pytest.fixture
def registry():
    """The URL of a registry that has one archive; and the paths that it was asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(ARCHIVE)

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield "http://127.0.0.1:%d" % server.server_port, asked
    server.shutdown()
    server.server_close()


def test_only_the_wanted_files_are_unpacked_and_only_once(tmp_path, registry):
    url, asked = registry
    assert fetch("chart", wanted(), tmp_path, url) is True
    assert fetch("chart", wanted(), tmp_path, url) is False
    assert asked == ["/chart/-/chart-1.2.3.tgz"]
    assert sorted(path.name for path in (tmp_path / "chart").iterdir()) == ["LICENSE", "chart.js", "integrity"]
    assert (tmp_path / "chart" / "chart.js").read_text() == "draw()"


def test_what_was_lost_is_fetched_again(tmp_path, registry):
    url, _ = registry
    fetch("chart", wanted(), tmp_path, url)
    (tmp_path / "chart" / "chart.js").unlink()
    assert fetch("chart", wanted(), tmp_path, url) is True


def test_another_archive_than_the_pinned_one_is_not_unpacked(tmp_path, registry):
    with pytest.raises(FrontendError, match="not the one that"):
        fetch("chart", wanted(archive=b"another"), tmp_path, registry[0])
    assert not (tmp_path / "chart").exists()


def test_a_weaker_hash_is_not_enough(tmp_path, registry):
    with pytest.raises(FrontendError, match="sha512-"):
        fetch("chart", {**wanted(), "integrity": "sha1-x"}, tmp_path, registry[0])


def test_a_file_that_is_not_in_the_archive_is_named(tmp_path, registry):
    with pytest.raises(FrontendError, match=r"no file dist/missing\.js"):
        fetch("chart", wanted(files=["dist/missing.js"]), tmp_path, registry[0])


def test_a_registry_that_can_not_be_reached_is_named_with_what_to_do(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://127.0.0.1:%d" % free_port())
    monkeypatch.setattr(frontend, "TARGET", tmp_path)
    assert frontend.main() == 1
    said = capsys.readouterr().err
    assert "uplot-1.6.32.tgz can't be fetched" in said
    assert "NPM_CONFIG_REGISTRY" in said


def test_the_lock_pins_a_version_a_hash_and_the_licence():
    for entry in json.loads((ROOT / "deploy" / "frontend.json").read_text()).values():
        assert entry["integrity"].startswith("sha512-")
        assert entry["version"][0].isdigit()
        assert "LICENSE" in entry["files"]


def test_what_the_pages_use_is_there():
    """`make frontend` has run: the Makefile does it before the tests."""
    assert (frontend.TARGET / "uplot" / "LICENSE").read_text().startswith("The MIT License")
    assert fetch("uplot", json.loads(frontend.LOCK.read_text())["uplot"], frontend.TARGET, "http://nowhere") is False
