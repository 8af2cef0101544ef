"""The modules of asgiref 1 that Channels 1.x and its layers import, for asgiref 3 (`relay.compat.add_asgiref`)."""
