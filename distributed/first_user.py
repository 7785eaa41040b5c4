"""Airflow's first user, who makes the others."""

from __future__ import annotations

from collections.abc import Mapping


def create(environ: Mapping[str, str]) -> None:
    """Create the administrator, unless that name exists: a password changed in the UI stays changed.

    Args:
        environ: Has AGORA_ADMIN_USER and AGORA_ADMIN_PASSWORD.
    """
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
    from airflow.utils.providers_configuration_loader import providers_configuration_loaded

    name, password = environ["AGORA_ADMIN_USER"], environ["AGORA_ADMIN_PASSWORD"]

    @providers_configuration_loaded
    def create_unless_there() -> None:
        with get_application_builder() as builder:
            users = builder.sm
            if not users.find_user(name):
                users.add_user(name, name, "", f"{name}@localhost", users.find_role("Admin"), password)

    create_unless_there()
