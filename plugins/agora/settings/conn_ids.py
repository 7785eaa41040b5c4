"""Default names of the vendor connections, in a module that loads no validation library."""

DASHBOARD_CONN_ID = "agora_dashboard"
PUSH_STREAM_CONN_ID = "agora_push_stream"
