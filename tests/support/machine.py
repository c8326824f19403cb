"""What a test needs of its machine beyond Python's libraries: where that is not there it is skipped, and says so.

A reason has one of two beginnings, and `tests/conftest.py` makes a failure of every other one:

    this machine lacks ...      a tool that can be installed. `.ci/run` installs all of them, and fails on this; in the
                                fresh root, which has Python and no more, such tests are counted
    this machine forbids ...    a right, or a part of the kernel, that nobody can install. Counted everywhere
"""

import os
import shutil

import pytest

PACKAGES = {
    "cc": "gcc",
    "chromium": "chromium",
    "ip": "iproute2",
    "losetup": "mount",
    "mkfs.btrfs": "btrfs-progs",
    "mkfs.ext4": "e2fsprogs",
    "mkfs.xfs": "xfsprogs",
    "mount": "mount",
    "nbdfuse": "libnbd-bin",
    "nbdkit": "nbdkit",
    "openssl": "openssl",
    "pg_ctlcluster": "postgresql",
    "setpriv": "util-linux",
    "strace": "strace",
    "umount": "mount",
    "unshare": "util-linux",
}
"""The tools that tests start, by the Debian package that brings them."""

LACKS, FORBIDS = "this machine lacks", "this machine forbids"


def lacking(*tools: str) -> str:
    """Return why a test that starts these tools is skipped, with the packages to install; an empty text where not."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    named = ", ".join(f"{tool} (package {PACKAGES[tool]})" for tool in missing)
    return f"{LACKS} {named}" if missing else ""


def needs(*tools: str) -> pytest.MarkDecorator:
    """Mark a test that starts these tools."""
    return pytest.mark.skipif(bool(lacking(*tools)), reason=lacking(*tools) or "nothing is lacking")


def need(*tools: str) -> None:
    """Skip the test that is running where one of these tools is missing."""
    if reason := lacking(*tools):
        pytest.skip(reason)


def forbidden(what: str) -> None:
    """Skip the test that is running, since this is not allowed here."""
    pytest.skip(f"{FORBIDS} {what}")


AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason=f"{FORBIDS} what only root may")


def measured() -> dict[str, str]:
    """Return what lets coverage see into a process that a test starts with an environment of its own."""
    names = ("COVERAGE_FILE", "COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START")
    return {name: os.environ[name] for name in names if name in os.environ}


def needed(reason: str) -> bool:
    """Tell whether a test may be skipped for a reason."""
    return reason.startswith((LACKS, FORBIDS))
