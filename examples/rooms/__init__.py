"""
Rooms: what is said in one is not heard in another.

From: Channels 1.x, "Getting started", step e: persisting data (S4e)

Try: open /lobby/ in two tabs and /?room=kitchen in a third.

Only `websocket.connect` knows the query string. So what is in it is kept in the channel session, which follows the
socket from message to message, whichever worker gets them. (It is a Django session, under a key made from the reply
channel.)
"""
