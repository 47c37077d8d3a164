"""Runs a command that cannot outlive the process that started it, as another user than root if need be.

    tether.py SIGNAL PARENT_PID IDENTITY COMMAND [ARGUMENT...]

SIGNAL is what the kernel sends the command when its parent dies. IDENTITY is `same`, `mapped` (a user
namespace in which we are called nobody and keep our own rights to our files) or `nobody` (for real). It is a
program of its own, and no `preexec_fn`, because that is unsafe in a parent with threads.
"""

import ctypes
import os
import pwd
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
NOBODY_IN_NAMESPACE = 65534


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        sys.exit(f"{what}: {os.strerror(number)}")


def _map_to_nobody(libc: ctypes.CDLL) -> None:
    user, group = os.geteuid(), os.getegid()
    _check(libc.unshare(CLONE_NEWUSER), "a user namespace is not allowed here")
    try:
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{NOBODY_IN_NAMESPACE} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{NOBODY_IN_NAMESPACE} {group} 1", encoding="ascii")
    except OSError as error:
        sys.exit(f"a user namespace is not allowed here: {error.strerror}")


def _become_nobody() -> None:
    nobody = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(nobody.pw_gid)
    os.setuid(nobody.pw_uid)


def main(arguments: list[str]) -> None:
    signal_number, parent, identity, *command = arguments
    libc = ctypes.CDLL(None, use_errno=True)
    if identity == "mapped":
        _map_to_nobody(libc)
    elif identity == "nobody":
        _become_nobody()
    # After the change of user, which clears it.
    _check(libc.prctl(PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0), "prctl")
    if os.getppid() != int(parent):
        sys.exit("the parent is gone already")
    # A shell starts what runs in its background with some of them ignored, and so would we.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606 - the command is the caller's
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
