"""How passwords are kept. Set in PASSWORD_HASHERS."""

from django.contrib.auth import hashers


class Argon2(hashers.Argon2PasswordHasher):
    """
    Django's Argon2 hasher as OWASP's Password Storage Cheat Sheet has it: 19 MiB, two passes, one lane. Django's takes
    100 MiB and eight lanes, which is much for a worker with many threads. A hash takes some 25 ms.
    """

    memory_cost = 19456
    time_cost = 2
    parallelism = 1
