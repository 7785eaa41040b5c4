"""The `rate` of a scripted fault: a reproducible random sample of requests."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b

from sandbox.faults.base import ReceivedRequest

# With 48 bits, a float represents every quotient exactly, so a rate of 1 includes every request.
_DIGEST_BYTES = 6
_DIGESTS = 2**48


@dataclass
class Sample:
    """A pseudo-random sample of requests.

    A decision depends on the seed, the App ID, the usage date and the number of earlier requests for that
    app-day. The order of requests for different app-days has no influence. Concurrent clients therefore get
    the same sample in every test run.

    Attributes:
        rate: The share of requests to include, above 0 and at most 1.
        seed: Selects the sample.
        requests: The number of decisions made per app-day.
    """

    rate: float
    seed: str
    requests: Counter[tuple[str | None, date | None]] = field(default_factory=Counter)

    def includes(self, received: ReceivedRequest) -> bool:
        """Decide whether the next request for an app-day is in the sample."""
        app_day = (received.app_id, received.usage_date)
        number = self.requests[app_day]
        self.requests[app_day] += 1
        text = f"{self.seed}:{received.app_id}:{received.usage_date}:{number}"
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()
        return int.from_bytes(digest) / _DIGESTS < self.rate
