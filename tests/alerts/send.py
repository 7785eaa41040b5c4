"""Send one alert like the callbacks, in a separate process, so that the tests do not import Airflow.

The argument is the run note. The environment sets the recipients. Prints whether any channel accepted it.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from agora import callbacks
from agora.alerts.incident import Failure, message
from agora.dag_support.variables import configured_alerts

if __name__ == "__main__":
    failure = Failure("some_dag", "some_run", "http://localhost/run", sys.argv[1])
    alert = message(failure, None, datetime.now(UTC))
    assert alert is not None
    sys.stdout.write(str(callbacks._send(configured_alerts(), alert, failure)))
