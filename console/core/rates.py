"""How fast something may be done by one who does it. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Bucket:
    """Lets ``burst`` through at once, then ``per_second``.

    Args:
        left: how many may come now.
        at: seconds of a monotonic clock when that was so.
    """

    per_second: float
    burst: float
    left: float
    at: float

    def take(self, now: float) -> bool:
        """Take one, if there is one."""
        self.left = min(self.burst, self.left + (now - self.at) * self.per_second)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True

    def wait(self) -> float:
        """Return the seconds until there is one again."""
        return max(0.0, (1 - self.left) / self.per_second)


def bucket(per_second: float, burst: float, now: float) -> Bucket:
    """Return a full one."""
    return Bucket(per_second, burst, burst, now)
