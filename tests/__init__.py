"""
The promises that Parley keeps, each as a test.

    unit         one module at a time, in this process; database tests run on SQLite and on PostgreSQL
    integration  our layers, locks and backends against a real Redis and real processes
    acceptance   the Procfile's processes, real sockets, a real browser

Every test has its own database, Redis prefix and ports, so they run in any order, and twice at once.
"""
