"""Where a store lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.mounts import network_file_system

MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:30 / /mnt/share rw - nfs4 server:/export rw
31 30 254:1 / /mnt/share/local rw - ext4 /dev/vdb rw
32 22 0:32 / /mnt/my\\040disk rw - cifs //server/disk rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        pytest.param("/var/lib/sendgate", None, id="the root's own disk"),
        pytest.param("/mnt/share/gate", "nfs4", id="below an NFS mount"),
        pytest.param("/mnt/shared", None, id="only beginning like the mount's name"),
        pytest.param("/mnt/share/local/gate", None, id="a local disk mounted below NFS"),
        pytest.param("/mnt/my disk", "cifs", id="a mount point with a blank"),
    ],
)
def test_a_network_file_system_is_told_from_a_local_one(path: str, kind: str | None) -> None:
    """The longest mount point above a path says on which file system it lies."""
    assert network_file_system(Path(path), MOUNTS) == kind
