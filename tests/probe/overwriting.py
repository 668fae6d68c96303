"""Code with which a test's process writes over its own command line, as setproctitle does."""

CODE = """
import ctypes
def overwrite(first, last, text):
    fields = open("/proc/self/stat").read().rpartition(")")[2].split()
    start, end = int(fields[first]), int(fields[last])
    ctypes.memset(start, 0, end - start)
    ctypes.memmove(start, text, len(text))
"""

ARGUMENTS = "45, 46"
VARIABLES = "47, 48"
"""Places in /proc/PID/stat of where they begin and end: fields 48 to 51."""
