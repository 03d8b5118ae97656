"""This process's clock: the machine's time of day at the start, and CLOCK_BOOTTIME from there."""

from __future__ import annotations

import time
from functools import partial

from daypass.domain.clock import SteadyClock

CLOCK = SteadyClock(time.time_ns, partial(time.clock_gettime_ns, time.CLOCK_BOOTTIME))
"""The one clock of services and gateway: two that were started apart could disagree about a deadline."""
