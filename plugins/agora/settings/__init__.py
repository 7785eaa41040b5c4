"""Validated settings from connections and variables.

The default names are defined here, so that a task can use them without loading a validation library.
"""

DASHBOARD_CONN_ID = "agora_dashboard"
PUSH_STREAM_CONN_ID = "agora_push_stream"
