"""Registers the timetables, the listener and the Bandwidth page with Airflow.

Every task imports this module.
"""

from airflow.sdk.plugins_manager import AirflowPlugin

from agora import listeners
from agora.timetable import CronTimetable, UsageDateTimetable
from agora.web.mount import EXTERNAL_VIEWS, FASTAPI_APPS


class AgoraPlugin(AirflowPlugin):
    """Airflow plugin that adds the timetables, the run notes and the Bandwidth page."""

    name = "agora"
    timetables = [CronTimetable, UsageDateTimetable]  # noqa: RUF012 - the form that Airflow documents
    listeners = [listeners]  # noqa: RUF012
    fastapi_apps = FASTAPI_APPS
    external_views = EXTERNAL_VIEWS
