"""
Layers: in memory, in the database, in Redis, chosen by name.

From: Channels 1.x, "Getting started", step c: channel layers (S4c)

Try: start it with --layer memory, database and redis, and read which routing took the socket.

A layer carries messages between processes. CHANNEL_LAYERS (see examples/settings.py) has one under the name "default":
its class (BACKEND), its options (CONFIG), and its own routing (ROUTING). The consumers of all other examples neither
know nor care which it is.
"""
