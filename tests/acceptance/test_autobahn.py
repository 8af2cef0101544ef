"""
The Autobahn test suite itself. It runs on Python 2.7 only, so it is asked for:

    virtualenv -p python2.7 var/autobahn && var/autobahn/bin/pip install autobahntestsuite==25.10.1
    TESTS_AUTOBAHN=var/autobahn/bin/wstest make test TESTS=tests/acceptance/test_autobahn.py

What it asks of every server is in tests/integration/interface/test_rfc6455.py, and always run.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from relay.layers.inmemory import ChannelLayer
from tests.databases import ROOT

SUITE = os.environ.get("TESTS_AUTOBAHN", "")
#: What it measures, and compression, which is not offered.
LEFT_OUT = ["9.*", "12.*", "13.*"]
#: An echo comes from a worker. Where a frame that breaks a rule follows at once, the close overtakes it.
GOOD = {"OK", "NON-STRICT", "INFORMATIONAL"}


@pytest.mark.skipif(not SUITE, reason="it needs Python 2.7: TESTS_AUTOBAHN names its program, wstest")
@pytest.mark.timeout(600)
def test_the_autobahn_test_suite_has_nothing_to_say(serve, settings_override, tmp_path):
    settings_override(RELAY_FRAME_RATE=0)
    server = serve(ChannelLayer(capacity=100_000))

    def echo(message):
        server.app.reply(message, **{kind: message[kind] for kind in ("text", "bytes") if kind in message})

    server.app.on["websocket.receive"] = echo
    url = "ws://127.0.0.1:%d" % server.port
    servers = [{"agent": "relay", "url": url}]
    wanted = {"outdir": str(tmp_path / "reports"), "servers": servers, "cases": ["*"], "exclude-cases": LEFT_OUT}
    (tmp_path / "cases.json").write_text(json.dumps({**wanted, "exclude-agent-cases": {}}))
    command = [Path(ROOT, SUITE), "-m", "fuzzingclient", "-s", tmp_path / "cases.json"]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    found = json.loads((tmp_path / "reports" / "index.json").read_text())["relay"]
    assert len(found) == 247
    bad = {
        number: result for number, result in found.items() if not {result["behavior"], result["behaviorClose"]} <= GOOD
    }
    assert bad == {}
