# Shut the listening sockets of a process down, as `ss --kill` does: shut-listener.py PID PORT. Ends with 0 when it did.
import ctypes
import os
import socket
import sys

PIDFD_OPEN, PIDFD_GETFD = 434, 438
pid, port = int(sys.argv[1]), int(sys.argv[2])
libc = ctypes.CDLL(None, use_errno=True)
pidfd = libc.syscall(PIDFD_OPEN, pid, 0)
shut = 0
for name in os.listdir(f"/proc/{pid}/fd"):
    if not os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:"):
        continue
    copy = libc.syscall(PIDFD_GETFD, pidfd, int(name), 0)
    if copy < 0:
        continue
    with socket.socket(fileno=copy) as each:
        if each.family in (socket.AF_INET, socket.AF_INET6) and each.getsockname()[1] == port:
            if each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                each.shutdown(socket.SHUT_RDWR)
                shut += 1
sys.exit(0 if shut > 0 else 1)
