"""A file system whose files never answer a read. `fuse_server.py MOUNTPOINT UID [allow_other]`, as root.

Every name in it is a regular file. Speaks the kernel's own protocol (linux/fuse.h) over /dev/fuse and
prints "ready" when it is mounted, "read" for each read that it leaves without an answer. When it ends,
the kernel lets go of those who wait.
"""

import ctypes
import errno
import os
import struct
import sys

LOOKUP, FORGET, GETATTR, OPEN, READ, RELEASE, FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR = (
    1, 2, 3, 14, 15, 18, 25, 26, 27, 28, 29,
)  # fmt: skip
NO_ANSWER = (FORGET, 36, 42)
"""Also INTERRUPT and BATCH_FORGET."""
ROOT = 1
A_DAY = 86400


def attributes(node, owner):
    mode, size = (0o040755, 0) if node == ROOT else (0o100644, 4096)
    times = (0, 0, 0, 0, 0, 0)
    return struct.pack("<QQQQQQIIIIIIIIII", node, size, 8, *times, mode, 1, owner, owner, 0, 4096, 0)


def answer(opcode, node, body, owner):
    """(error, body) of a request."""
    if opcode == INIT:
        readahead = struct.unpack_from("<III", body)[2]
        return 0, struct.pack("<IIIIHHIIHHI28x", 7, 31, readahead, 0, 16, 12, 4096, 1, 1, 0, 0)
    if opcode == LOOKUP:
        return 0, struct.pack("<QQQQII", 2, 0, A_DAY, A_DAY, 0, 0) + attributes(2, owner)
    if opcode == GETATTR:
        return 0, struct.pack("<QII", A_DAY, 0, 0) + attributes(node, owner)
    if opcode in (OPEN, OPENDIR):
        return 0, struct.pack("<QII", 1, 0, 0)
    if opcode in (READDIR, FLUSH, RELEASE, RELEASEDIR):
        return 0, b""
    return -errno.ENOSYS, b""


def serve(device, owner):
    while True:
        request = os.read(device, 1 << 17)
        _length, opcode, unique, node = struct.unpack_from("<IIQQ", request)
        if opcode == READ:
            print("read", flush=True)
        elif opcode not in NO_ANSWER:
            error, body = answer(opcode, node, request[40:], owner)
            os.write(device, struct.pack("<IiQ", 16 + len(body), error, unique) + body)


def main():
    place, owner = sys.argv[1], int(sys.argv[2])
    device = os.open("/dev/fuse", os.O_RDWR)
    options = [f"fd={device}", "rootmode=40000", f"user_id={owner}", f"group_id={owner}", *sys.argv[3:]]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tightship-test", place.encode(), b"fuse", 6, ",".join(options).encode()) != 0:
        sys.exit(os.strerror(ctypes.get_errno()))
    print("ready", flush=True)
    serve(device, owner)


if __name__ == "__main__":
    main()
