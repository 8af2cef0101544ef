"""The HTTP API: docs/protocol.md tells what it takes and answers."""
