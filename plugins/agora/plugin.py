"""Registers the timetables, the listener and the page with Airflow. Every task imports this module."""

from airflow.sdk.plugins_manager import AirflowPlugin

from agora import listeners
from agora.timetable import CronTimetable, UsageDateTimetable
from agora.web.mount import EXTERNAL_VIEWS, FASTAPI_APPS


class AgoraPlugin(AirflowPlugin):
    """The timetables, the note on every run, and the page Bandwidth."""

    name = "agora"
    timetables = [CronTimetable, UsageDateTimetable]  # noqa: RUF012 - Airflow's own way of declaring it
    listeners = [listeners]  # noqa: RUF012
    fastapi_apps = FASTAPI_APPS
    external_views = EXTERNAL_VIEWS
