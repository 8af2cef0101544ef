"""Ports for the servers of the tests, of which each is one test's only, whoever else runs tests on this machine."""

import socket

from deploy import up

#: What holds the claims of this process, until it ends.
_claims: list[socket.socket] = []


def free_port() -> int:
    """A port that nobody listens on, and that no other process with tests is given: servers take seconds to listen."""
    while True:
        port = up.free_port()
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind("\0parley-tests-port-%d" % port)
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        return port
