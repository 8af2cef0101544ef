"""
Dashboards: numbers that anyone posts, drawn live in every browser that looks.

    names         what series and dashboards may be called (pure)
    exceptions    every error code and close code
    protocol      the wire: client frames in, server frames out (pure)
    thinning      many points made few, so that peaks stay (pure)
    models        series, their numbered points, who looks on
    boards        which charts a dashboard has, and what they are called
    access        who may see dashboards
    serializers   what is posted, checked
    api           POST /api/ingest/<series>
    storing       points are stored, numbered, and in the end forgotten
    broadcasting  what is stored goes to browsers, thinned
    joining       how a socket comes to see a dashboard, stays and leaves
    consumers     what a worker does for each channel (bound in routing.py)
    figures       what the service tells of itself
    keeper        a thread of each worker: frames that had to wait, and the figures
    views, urls   the pages
    checks        what is missing, and what to run
"""

default_app_config = "chatapp.dashboard.apps.DashboardConfig"
