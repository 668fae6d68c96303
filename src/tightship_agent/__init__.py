"""Sends what the probe printed, spools it when it can't. Standard library only, unprivileged. Still empty."""
