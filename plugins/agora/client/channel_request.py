"""Validate the parameters of a channel request before it is sent: channel name, stream URLs and uids.

A URL may contain a stream key, so messages name its position in the list and never its value.
"""

from __future__ import annotations

import re

from agora.client.channel_key import CHANNEL, MOST_UNSIGNED
from agora.errors import SettingsError

# These patterns are also valid in JSON Schema, because the trigger form applies them too.
CNAME_PATTERN = f"^[{CHANNEL.allowed}]{{{CHANNEL.least},{CHANNEL.most}}}$"
URL_PATTERN = r"^rtmps?://[!-.0-~][!-~]*$"
LEAST_UID, MOST_UID = 1, MOST_UNSIGNED


def require_cname(cname: object) -> str:
    """Return a channel name if it is valid.

    Raises:
        SettingsError: The name is not valid.
    """
    if not isinstance(cname, str) or not re.fullmatch(CNAME_PATTERN, cname):
        raise SettingsError(
            f"cname is not a channel name of {CHANNEL.least} to {CHANNEL.most} {CHANNEL.called}."
        )
    return cname


def require_urls(urls: object) -> list[str]:
    """Return stream URLs as a list if they are valid.

    Raises:
        SettingsError: The value is not a list, or an element is not an rtmp:// or rtmps:// URL.
    """
    if not isinstance(urls, list | tuple):
        raise SettingsError("urls is not a list.")
    for place, url in enumerate(urls):
        if not isinstance(url, str) or not re.fullmatch(URL_PATTERN, url):
            raise SettingsError(
                f"urls[{place}] is not a stream URL. It must begin with rtmp:// or rtmps://, contain a"
                " host, and contain no spaces."
            )
    return [*urls]


def require_uids(uids: object) -> list[int]:
    """Return hosts' uids as a list if they are valid.

    Raises:
        SettingsError: The value is not a list, or an element is not a positive 32-bit integer.
    """
    if not isinstance(uids, list | tuple):
        raise SettingsError("uids is not a list.")
    for place, uid in enumerate(uids):
        if not isinstance(uid, int) or isinstance(uid, bool) or not LEAST_UID <= uid <= MOST_UID:
            raise SettingsError(f"uids[{place}] is not a whole number from {LEAST_UID} to {MOST_UID}.")
    return [*uids]
