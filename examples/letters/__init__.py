"""
Letters: people talk to those whose name begins as theirs does.

From: Channels 1.x, "Getting started", step f: authentication (S4f)

Try: make the accounts anna, alice and bob in three browsers. Anna and Alice hear each other, and not Bob.

Django's session is there at connect only, from the cookie or from ?session_key=<key>. So the user is transferred into
the channel session, which is there afterwards. The group is chosen here, by who the user is: nothing that a client
sends can put it into another's. Sessions in signed cookies can't be written by a worker: Channels refuses them with a
ValueError, so choose another SESSION_ENGINE.
"""
