"""Whether a file lies on a network file system, where SQLite's locks and shared memory cannot be relied on."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

MOUNTS: Final = Path("/proc/self/mountinfo")
NETWORKED: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "fuse.sshfs", "fuse.glusterfs"}
    | {"fuse.s3fs", "fuse.gcsfuse", "fuse.rclone", "virtiofs"}
)


def network_file_system(path: Path, mounts: str | None = None) -> str | None:
    """Name the network file system that a path lies on, None for a local one or where the system does not tell."""
    try:
        text = MOUNTS.read_text() if mounts is None else mounts
    except OSError:
        return None
    target = os.path.realpath(path)
    best, kind = "", None
    for line in text.splitlines():
        point, file_system = _mount(line)
        if _lies_below(target, point) and len(point) >= len(best):
            best, kind = point, file_system
    return kind if kind in NETWORKED else None


def _mount(line: str) -> tuple[str, str]:
    """Read the mount point and the file system's name of a line (proc_pid_mountinfo(5))."""
    mount, _, rest = line.partition(" - ")
    point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), mount.split(" ")[4])
    return point, rest.split(" ")[0]


def _lies_below(path: str, point: str) -> bool:
    return point in ("/", path) or path.startswith(f"{point}/")
