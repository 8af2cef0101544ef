"""asgiref's own suite, unmodified, on every layer of relay's. asgi_redis runs it on its own in the same way."""

import pytest

from tests.asgiref1 import conformance
from tests.layers import KINDS, maker_of


def conforming(kind, **options):
    """A test case for this kind of layer with these options besides the suite's."""

    @pytest.fixture(autouse=True)
    def a_layer(self, request):
        # So short only where the suite waits for it: what is held up elsewhere is not to expire.
        times = {"expiry": 1, "group_expiry": 2} if "expiry" in request.node.name else {}
        type(self).channel_layer = maker_of(kind, request)(capacity=5, **times, **options)

    members = {"expiry_delay": 1.1, "capacity_limit": 5, "a_layer": a_layer}
    return type("Test %s" % kind, (conformance.ConformanceTestCase,), members)


TestMemory, TestSqlite, TestPostgresql, TestRedis, TestThreeRedis = map(conforming, KINDS)
TestEncrypted = conforming("redis", symmetric_encryption_keys=["new", "old"])
