"""A day that does not end during a test, as for the tests of collecting."""

from tests.bandwidth.collect.conftest import _the_same_day_all_along  # noqa: F401
