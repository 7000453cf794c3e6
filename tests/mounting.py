"""A small file system of a test's own, in a mount namespace that ends with its program."""

from __future__ import annotations

import os
import shutil
import subprocess

MOUNT = ["unshare", "--mount", *(["--user", "--map-root-user"] if os.getuid() else [])]


def can_mount() -> bool:
    """Tell whether a small file system of our own can be made, as root or in a user namespace."""
    if shutil.which("unshare") is None:
        return False
    mount = [*MOUNT, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/mnt"]
    return subprocess.run(mount, capture_output=True, check=False).returncode == 0
