"""
Processes: interface servers hold sockets, workers handle messages.

From: Channels 1.x, "Getting started", step d: running it (S4d)

Try: start it with --layer database --workers 3, say things in several tabs, and see who answers.

- `manage.py runserver` is an interface server and workers in one process. That is what `--layer memory` runs.
- `manage.py runwsserver` is an interface server of its own, on port 9000 unless told otherwise.
- `manage.py runworker` is a worker. Start as many as you like, and stop any of them: no socket is lost by it. Start one
  more for this example with `manage.py example processes runworker --layer database`.

With another layer than memory, `manage.py example` starts one `runwsserver` and two of `runworker`.
"""
