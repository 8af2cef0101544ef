"""All examples in one server, each at its own path. For each layer by name, as examples.layers has it."""

from channels.routing import include

# `path` is cut off before the included routes see it: in examples/echo/routing.py, /echo/ is just /.
anywhere = [
    include("examples.hello.routing.channel_routing", path=r"^/hello(?=/)"),
    include("examples.echo.routing.channel_routing", path=r"^/echo(?=/)"),
    include("examples.processes.routing.channel_routing", path=r"^/processes(?=/)"),
    include("examples.rooms.routing.channel_routing", path=r"^/rooms(?=/)"),
    include("examples.letters.routing.channel_routing", path=r"^/letters(?=/)"),
    include("examples.models.routing.socket_routing", path=r"^/models(?=/)"),
    # Messages on a channel of one's own have no path.
    include("examples.models.routing.custom_routing"),
    include("examples.linearize.routing.channel_routing", path=r"^/linearize(?=/)"),
    include("examples.tutorial.routing.channel_routing", path=r"^/tutorial(?=/)"),
    include("examples.explained.routing.channel_routing", path=r"^/explained(?=/)"),
    include("examples.live_chart.routing.channel_routing", path=r"^/live_chart(?=/)"),
    include("examples.notices.routing.socket_routing", path=r"^/notices(?=/)"),
    include("examples.notices.routing.custom_routing"),
]

memory = [*anywhere, include("examples.layers.routing.memory", path=r"^/layers(?=/)")]
database = [*anywhere, include("examples.layers.routing.database", path=r"^/layers(?=/)")]
redis = [*anywhere, include("examples.layers.routing.redis", path=r"^/layers(?=/)")]
