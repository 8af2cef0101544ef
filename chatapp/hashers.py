"""How passwords are kept. Set in PASSWORD_HASHERS."""

from django.contrib.auth import hashers


class Argon2(hashers.Argon2PasswordHasher):
    """
    Django 2.2's Argon2 hasher with what OWASP's Password Storage Cheat Sheet asks for: Argon2id, 19 MiB, two passes,
    one lane. Django's is Argon2i with half a MiB (G12). A hash takes some 25 ms, and that memory for as long.
    """

    memory_cost = 19456
    time_cost = 2
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        argon2 = self._load_library()
        data = argon2.low_level.hash_secret(
            password.encode("utf-8", "surrogatepass"),
            salt.encode("utf-8"),
            time_cost=self.time_cost,
            memory_cost=self.memory_cost,
            parallelism=self.parallelism,
            hash_len=argon2.DEFAULT_HASH_LENGTH,
            type=argon2.low_level.Type.ID,
        )
        return self.algorithm + data.decode("ascii")

    def verify(self, password: str, encoded: str) -> bool:
        """Of any variety: the hash says which."""
        argon2 = self._load_library()
        _, rest = encoded.split("$", 1)
        given = password.encode("utf-8", "surrogatepass")
        try:
            variety = argon2.extract_parameters("$" + rest).type
            return argon2.low_level.verify_secret(b"$" + rest.encode("ascii"), given, variety)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False

    def must_update(self, encoded: str) -> bool:
        return self._decode(encoded)[1] != "argon2id" or super().must_update(encoded)
