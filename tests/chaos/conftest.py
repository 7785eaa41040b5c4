"""The day does not end during a test, as in the tests of collecting."""

from tests.bandwidth.collect.conftest import _same_day  # noqa: F401
