"""Throw-away real servers on this machine, for tests and rehearsals. Still empty."""
