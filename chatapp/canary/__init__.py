"""The canary: the service talks to itself, all the time, and counts what becomes of it."""
