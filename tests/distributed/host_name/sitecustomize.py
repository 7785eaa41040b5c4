"""Gives a plain process the host name that its container would have; Python runs this file at its start."""

import os
import socket

_name = os.environ["AGORA_HOST_NAME"]
socket.gethostname = lambda: _name
