"""
relay: what the Channels 1.x stack lacks, for any project on it. It knows nothing of chat.

    compat       lets Channels 1.x run on a supported Django and Python; asgiref1: modules it lacks there
    conf         every tunable: name, default, unit
    checks       Django system checks of combinations that can't work
    names        which channel and group names are valid
    decorators   `linearize`: one message of a socket at a time
    turns        whose turn it is on a reply channel: the lock behind `linearize` on layers without order
    layers       channel layers with leases and lanes: inmemory (one process) and redis; docs/layer.md
    server       interface server: Daphne's, and `websocket.keepalive`
    ws_protocol  one WebSocket of it
    daphne       its command line: `python -m relay.daphne`
    dispatch     running the consumer of one message
    exceptions   what relay raises
    scripts, lua what runs inside Redis
    management   the commands runserver, channels and deadletters
    backends     Django database backends: sqlite3 and postgresql
    sessions     Django's session store, for keys that come from anywhere
"""

from relay import compat

compat.install()

# Read by Django 2.2 only.
default_app_config = "relay.apps.RelayConfig"
