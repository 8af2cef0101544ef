-- A server that is out of memory lets a script go on which begins with a command that frees some.
redis.call('HDEL', tries, '')
