"""Starts a program as systemd does under a filter of system calls and MemoryDenyWriteExecute: `confined.py CALLS PROGRAM ...`.

CALLS are the calls that are refused, by name, with commas between them.
"""

import ctypes
import os
import sys

NO_NEW_PRIVILEGES, DENY_WRITE_EXECUTE = 38, 65  # prctl(2)
ALLOW, REFUSE = 0x7FFF0000, 0x00050001  # SCMP_ACT_ALLOW, SCMP_ACT_ERRNO(EPERM)


def confine(refused: list[str]) -> None:
    """For this process and what it becomes."""
    libc, seccomp = ctypes.CDLL(None, use_errno=True), ctypes.CDLL("libseccomp.so.2")
    libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if libc.prctl(DENY_WRITE_EXECUTE, 1, 0, 0, 0) != 0:
        print("this kernel cannot deny memory that is written and executed", file=sys.stderr)
    seccomp.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(seccomp.seccomp_init(ALLOW))
    for name in refused:
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:  # Others are of other machines.
            seccomp.seccomp_rule_add(rules, REFUSE, number, 0)
    if seccomp.seccomp_load(rules) != 0:
        sys.exit("the filter was refused")


if __name__ == "__main__":
    confine(sys.argv[1].split(","))
    os.execv(sys.argv[2], sys.argv[2:])
