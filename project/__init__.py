"""This deployment of Parley. Importing relay first lets the pinned stack import on every supported Python."""

import relay  # noqa: F401  (imported for its shims, before anything imports channels)
