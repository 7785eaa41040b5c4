"""What may be asked of a channel: its name, stream URLs and hosts' uids, checked before anything is sent.

A URL may carry a stream key, so messages name its place in the list and never repeat it.
"""

from __future__ import annotations

import re

from agora.client.channel_key import CHANNEL, MOST_UNSIGNED
from agora.errors import SettingsError

# As JSON Schema reads them, too: the trigger form refuses the same.
CNAME_PATTERN = f"^[{CHANNEL.allowed}]{{{CHANNEL.least},{CHANNEL.most}}}$"
URL_PATTERN = r"^rtmps?://[!-.0-~][!-~]*$"
LEAST_UID, MOST_UID = 1, MOST_UNSIGNED


def require_cname(cname: object) -> str:
    """Return a channel's name.

    Raises:
        SettingsError: It is none.
    """
    if not isinstance(cname, str) or not re.fullmatch(CNAME_PATTERN, cname):
        raise SettingsError(
            f"cname is no channel name: it has {CHANNEL.least} to {CHANNEL.most} {CHANNEL.called}."
        )
    return cname


def require_urls(urls: object) -> list[str]:
    """Return a list of stream URLs.

    Raises:
        SettingsError: It is no list, or one of them is no rtmp:// or rtmps:// address.
    """
    if not isinstance(urls, list | tuple):
        raise SettingsError("urls is no list.")
    for place, url in enumerate(urls):
        if not isinstance(url, str) or not re.fullmatch(URL_PATTERN, url):
            raise SettingsError(
                f"urls[{place}] is no stream address: it begins with rtmp:// or rtmps://, names a host, and"
                " has no space in it."
            )
    return [*urls]


def require_uids(uids: object) -> list[int]:
    """Return a list of hosts' uids.

    Raises:
        SettingsError: It is no list, or one of them is no positive whole number of 32 bit.
    """
    if not isinstance(uids, list | tuple):
        raise SettingsError("uids is no list.")
    for place, uid in enumerate(uids):
        if not isinstance(uid, int) or isinstance(uid, bool) or not LEAST_UID <= uid <= MOST_UID:
            raise SettingsError(f"uids[{place}] is no uid: a whole number from {LEAST_UID} to {MOST_UID}.")
    return [*uids]
