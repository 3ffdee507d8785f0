"""How much memory this process may take."""

from __future__ import annotations

import resource
from pathlib import Path

CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Where a container sees its limit, by version 2 and 1 of control groups."""
OWN = ("/sys/fs/cgroup{}/memory.max", "/sys/fs/cgroup/memory{}/memory.limit_in_bytes")
"""Where a process of a system service finds that of its own group."""
UNLIMITED = 1 << 60


def allowed_memory() -> int:
    """Bytes that this process may take at most, by its control group and by its own limits; 2**60 without any."""
    found = [_number(Path(place)) for place in CGROUPS]
    try:
        groups = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    except OSError:
        groups = []
    for _, kinds, path in (one for one in groups if len(one) == 3):
        if kinds in {"", "memory"}:
            found.append(_number(Path(OWN[kinds == "memory"].format(path))))
    for limit in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        soft = resource.getrlimit(limit)[0]
        found.append(UNLIMITED if soft == resource.RLIM_INFINITY else soft)
    return min(found)


def _number(place: Path) -> int:
    try:
        return min(UNLIMITED, int(place.read_text()))
    except (OSError, ValueError):
        return UNLIMITED
