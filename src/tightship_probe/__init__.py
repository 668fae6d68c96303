"""Reads one server and prints one report.

Standard library only, Python 3.6 and later, imports nothing else of the project. It opens no
network connection, starts no program, and never imports or executes what it finds.
"""

__version__ = "0.1.0.dev0"
