"""Gives a plain process the host name of its container. Python runs this file at startup."""

import os
import socket

_name = os.environ["AGORA_HOST_NAME"]
socket.gethostname = lambda: _name
