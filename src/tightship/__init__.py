"""Which Python application runs on which server, on which ports, in which release, with which packages."""

__version__ = "0.1.0.dev0"
