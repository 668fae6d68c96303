"""Takes what the probe printed to the service: root keeps it in a spool, an unprivileged sender sends it.

Standard library only, Python 3.6 and later, imports nothing else of the project. It takes no
orders: nothing that the service answers makes it do anything but send more of the report.
"""

__version__ = "0.1.0.dev0"
