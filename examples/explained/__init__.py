"""
Explained: a greeting, a name of one's own, and rooms of any name.

From: "Channels explained" (S1)

Try: open any path in two tabs; say /name Ann in one, and then something.

A channel is a mailbox, and a group is a set of them. Each connection has a mailbox that no other has: its reply
channel. What the article calls the scope of a connection is here what the message says (its path) and the channel
session (the name); its events are the messages on the three channels that routing.py lists.
"""
