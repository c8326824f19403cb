"""The file system that a folder lies on: how much is free, and whether it is reached over a network."""

import os
import re
from pathlib import Path

from resumable.storage.durable import failed, is_folder

NETWORK_KINDS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "fuse.sshfs", "fuse.s3fs", "fuse.rclone",
     "fuse.glusterfs", "fuse.gcsfuse", "lustre", "virtiofs", "vboxsf", "fuse.vmhgfs-fuse"}
)  # fmt: skip


def free_bytes(path: Path) -> int:
    """Return how many bytes a user may still write to the disk that holds an existing folder."""
    try:
        disk = os.statvfs(path)
    except OSError as failure:
        raise failed(path, failure) from failure
    return disk.f_bavail * disk.f_frsize


def network_file_system(path: Path, *, mounts: Path = Path("/proc/self/mountinfo")) -> str | None:
    """Name the kind of file system that holds a folder where that is one over a network; None where it is local.

    Processes of two machines share no memory, so that a write-ahead log on one would be damaged. Read from the kernel's
    table of mounts; where there is none, the answer is None.
    """
    try:
        lines = mounts.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return None
    folder, found, longest = path.resolve(), None, -1
    for fields in (line.split() for line in lines):
        point = re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), fields[4])
        kind = fields[fields.index("-") + 1]
        # The last of equals is on top.
        if folder.is_relative_to(point) and len(point) >= longest:
            found, longest = kind, len(point)
    return f"{found} is a file system over a network" if found in NETWORK_KINDS else None


def nearest_folder(path: Path) -> Path:
    """Return the path where it is a folder, else the nearest one above it that is there. Raises StorageFailed."""
    return next(each for each in (path.absolute(), *path.absolute().parents) if is_folder(each))
