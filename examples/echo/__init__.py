"""
Echo group: every tab hears what any tab says.

From: Channels 1.x, "Getting started", step b: groups (S4b)

Try: open the page in two tabs, and say something in one.

A group is a set of reply channels, by name. Adding one twice, or taking one out that is not in it, does no harm. A
membership ends by itself after a while (`group_expiry`), so that sockets of a server that died don't stay in the group
for ever; `websocket.keepalive` comes three times in that while for each open socket, and renews it.
"""
