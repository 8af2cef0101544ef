"""Which consumer gets what."""

from channels.routing import route

from examples.hello import consumers

channel_routing = [
    # Every request, whatever its path: no view is called any more.
    route("http.request", consumers.http_request),
]
