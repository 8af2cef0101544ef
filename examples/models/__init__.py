"""
Models: messages come from anywhere, are saved in one place, and go to everybody.

From: Channels 1.x, "Getting started", step g: integrating with models (S4g)

Try: open /lobby/ in two tabs and use its three forms; say "ping"; and in another terminal: python manage.py example
models tell_time lobby

`chat-messages` is a channel of one's own. Its consumer saves a ChatMessage and sends it to the room's group. The
consumer of the socket only puts a message there and goes on, and so can anything else that has these settings: a view,
a signal, a management command that cron runs, a bot. As every message passes there, a bot can listen there as well.
"""
