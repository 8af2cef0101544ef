"""A long run of the chat as it is deployed, with people who talk and processes that die, and a verdict at its end."""
