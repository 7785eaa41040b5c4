"""Upgrade the schema: `AGORA_WAREHOUSE_OWNER_URL=… python -m agora.warehouse.migrations`."""

import sys

from agora.warehouse.migrations.migrate import migrate
from agora.warehouse.owner import run_as_owner

if __name__ == "__main__":
    sys.exit(run_as_owner(migrate))
