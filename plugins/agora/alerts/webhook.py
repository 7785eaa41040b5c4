"""The webhook: one JSON POST to a secret address."""

from __future__ import annotations

import aiohttp

from agora.alerts.incident import Failure, Message
from agora.client.network_errors import no_response
from agora.client.timeouts import Timeouts
from agora.errors import AlertNotSent
from agora.forward_proxy import Proxy
from agora.text import for_chat

SECONDS = 10
TIMEOUTS = Timeouts(SECONDS, SECONDS, SECONDS)


async def post(url: str, message: Message, failure: Failure, conn_id: str, proxy: Proxy | None) -> None:
    """Send an alert; `text` is the field that chat services show.

    Args:
        url: The address, a secret: it appears in no message.
        message: What to say.
        failure: Which run it is about.
        conn_id: The connection that holds the address.
        proxy: Forward proxy on the way, if any.

    Raises:
        AlertNotSent: It was not accepted within ten seconds. Redirects are not followed.
    """
    body = {
        "text": for_chat(f"{message.subject}\n\n{message.text}"),
        "dag_id": failure.dag_id,
        "run_id": failure.run_id,
        "run_url": failure.url,
        "runbook": failure.entries,
        "since": message.told.since.isoformat(),
    }
    try:
        async with (
            aiohttp.ClientSession(timeout=TIMEOUTS.for_aiohttp()) as session,
            session.post(
                url, json=body, allow_redirects=False, **(proxy.arguments(url) if proxy else {})
            ) as answer,
        ):
            said = "" if 200 <= answer.status < 300 else f"HTTP {answer.status}"
    except (aiohttp.ClientError, OSError, ValueError) as error:
        # Their own words may repeat the address.
        failed = no_response(error, TIMEOUTS, proxy)
        said = f"{failed}. {failed.advice.format(conn_id=conn_id)}".removesuffix(". ")
    if said:
        raise AlertNotSent(
            f"The webhook of the connection {conn_id} did not take the alert: {said.rstrip('.')}."
        )
