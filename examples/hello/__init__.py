"""
HTTP consumer: a consumer answers every request itself.

From: Channels 1.x, "Getting started", step a: the first consumer (S4a)

Try: open any path, and read it in the answer.

A request is a message on the channel `http.request`. Whoever consumes it answers on the message's `reply_channel`.
Usually that is Channels itself, which calls Django's views; a route of one's own for `http.request` comes before that.
"""
