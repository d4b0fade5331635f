"""No test waits for the clock: a busy machine is slow, not wrong."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("similis", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("similis")
