"""
Parley: the chat itself. It knows Channels and Django; of relay only how to consume and to send.

    consumers    what a worker does for each channel (bound in routing.py)
    decorators   errors as answers
    exceptions   every error code and close code a client can meet
    protocol     the wire: client frames in, server frames out (pure)
    identity     who a socket or a request is: a user, or a guest
    models       rooms, numbered messages, presence, grants of tokens
    tokens       who one is, by a signed token
    logins       what let a socket in, and whether it still holds
    doors        rooms that the server picks
    ledger       saving once and in order, and broadcasting what was saved
    joining      how a socket enters a room, catches up, stays and leaves
    commands     what each client frame does
    posting      what a message on `chat-messages` does
    mentions     who is notified of what is said
    notifications  what users should know, for any code
    bots         functions that see every message and may answer
    sweeper      finishes what a dead worker left undone
    signals      logged out means out; news of accounts
    api, views   HTTP
    middleware   what every page tells the browser
    dashboard    an app of its own: numbers that anyone posts, drawn live
"""

default_app_config = "chatapp.apps.ChatConfig"
