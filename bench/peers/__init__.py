"""What Parley is measured beside, each in an environment of its own under var/peers."""
