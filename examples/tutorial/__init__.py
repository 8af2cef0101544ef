"""
Tutorial: a page for each chat room, which speaks JSON.

From: Channels, "Tutorial: a chat server" (S0)

Try: open /chat/lobby/ in two tabs, type and press Enter.

The tutorial is for later versions of Channels. Here its ChatConsumer class is four functions, and its group_send is
Group.send.
"""
