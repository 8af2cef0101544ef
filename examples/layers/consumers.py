"""One consumer for each layer: they differ only in what they say."""


def on_memory(message):
    """Interface server and workers are threads of one process."""
    welcome(message, "memory: all in one process")


def on_database(message):
    """Processes meet in two tables of the database that the project has anyway."""
    welcome(message, "database: several processes, no further service")


def on_redis(message):
    """Processes meet in Redis, on one machine or many."""
    welcome(message, "redis: several processes, on any number of machines")


def welcome(message, text):
    """Accept the socket, and say which routing did, and which layer brought the message."""
    message.reply_channel.send({"accept": True, "text": "%s. Brought by %s" % (text, message.channel_layer)})
