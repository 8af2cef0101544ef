"""
Linearize: the messages of one socket are handled one at a time.

From: Channels 1.x, "Getting started", step h: enforcing ordering (S4h)

Try: start it with --layer database --workers 3, send a few messages quickly, and compare the times.

Several workers take messages, so two of the same socket could be handled at the same moment: `receive` before `connect`
is through, or two that both read a number, add one and write it back. `linearize` keeps them apart; other sockets are
not held up. `keepalive` and `disconnect` need it only if what they do minds the others. (The layers of this project
keep a socket's messages in order anyway; on any other, the decorator does.)
"""
