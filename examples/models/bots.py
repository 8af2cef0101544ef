"""A bot is a function: what was said goes in, and an answer, or nothing, comes out."""


def answer(row):
    """Answer a ping."""
    # What bots say passes here as well: two that answer each other would never end.
    if row.name != "bot" and row.message.strip().lower() == "ping":
        return "pong"
    return None
