"""Channel Keys that the product generates, checked by the sandbox over HTTP."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator

import pytest

from agora.client.channel_key import KEY_LENGTH, generate
from agora.client.push_stream import MEANINGS, Channel, PushStreamClient
from agora.client.request import Request
from agora.client.response import Response
from agora.errors import ChannelKeyRefused, ChannelNotFound
from agora.settings.connections import PushStreamSettings
from tests.client.push_stream_requests import CNAME, channel_account_of
from tests.support.sandbox_server import RunningSandbox

PRINTABLE = [chr(code) for code in range(0x20, 0x7F)]
RANDOM_NAMES = 300


def names() -> Iterator[str]:
    """Yield channel names: each character alone and 64 times, each length, and many random names."""
    generator = random.Random(7)
    yield from PRINTABLE
    yield from (character * 64 for character in PRINTABLE)
    yield from ("".join(generator.choices(PRINTABLE, k=length)) for length in range(2, 65))
    yield from (
        "".join(generator.choices(PRINTABLE, k=generator.randint(1, 64))) for _ in range(RANDOM_NAMES)
    )


def test_the_key_for_every_channel_name_is_accepted(sandbox: RunningSandbox) -> None:
    cnames = list(dict.fromkeys(names()))
    app_ids = sandbox.app_ids

    async def main() -> None:
        for number, cname in enumerate(cnames):
            settings = channel_account_of(sandbox, app_ids[number % len(app_ids)])
            async with PushStreamClient(settings) as client:
                assert (await client.start(cname)).cname == cname
                if number % 2:
                    assert (await client.update(cname, uids=[number])).uids == [number]
                else:
                    assert (await client.stop(cname)).cname == cname

    asyncio.run(main())
    state = sandbox.channels()
    assert state["by_status"] == {"200": 2 * len(cnames)}
    assert [(channel["app_id"], channel["cname"]) for channel in state["channels"]] == [
        (app_ids[number % len(app_ids)], cname) for number, cname in enumerate(cnames) if number % 2
    ]


async def stop_with_key(settings: PushStreamSettings, cname: str, key: str) -> Response:
    """Stop a channel with the given key."""
    async with PushStreamClient(settings) as client:
        request = Request("DELETE", "channel", content=lambda: {"cname": cname, "channelkey": key})
        return await client.send(request, MEANINGS, about=client.about(cname), app_id=settings.app_id)


def altered(text: str, alphabet: str) -> Iterator[str]:
    """Yield copies of a text with one character changed to an adjacent one, to its other case, or to x."""
    for at, character in enumerate(text):
        position = alphabet.index(character)
        others = {alphabet[position - 1], alphabet[(position + 1) % len(alphabet)], character.swapcase(), "x"}
        for other in sorted(others - {character}):
            yield text[:at] + other + text[at + 1 :]


def test_a_key_with_any_character_changed_is_refused(sandbox: RunningSandbox) -> None:
    settings = channel_account_of(sandbox, sandbox.app_ids[0])
    certificate = settings.app_certificate.get_secret_value()
    key = generate(settings.app_id, certificate, CNAME)

    async def main() -> int:
        with pytest.raises(ChannelNotFound):
            await stop_with_key(settings, CNAME, key)
        forged = [*altered(key, "0123456789abcdef"), key[:-1], f"{key}0", f" {key}", "", key.upper()]
        for other in forged:
            with pytest.raises(ChannelKeyRefused):
                await stop_with_key(settings, CNAME, other)
        return len(forged)

    refused = asyncio.run(main())
    assert refused > 3 * KEY_LENGTH
    assert sandbox.channels()["by_status"] == {"404": 1, "401": refused}


def test_a_key_for_a_name_with_any_character_changed_is_refused(sandbox: RunningSandbox) -> None:
    settings = channel_account_of(sandbox, sandbox.app_ids[0])
    cname = "".join(random.Random(7).sample(PRINTABLE, k=63))
    key = generate(settings.app_id, settings.app_certificate.get_secret_value(), cname)

    async def main() -> int:
        with pytest.raises(ChannelNotFound):
            await stop_with_key(settings, cname, key)
        others = [*altered(cname, "".join(PRINTABLE)), cname[:-1], cname[1:], f"{cname} ", f" {cname}"]
        for other in others:
            with pytest.raises(ChannelKeyRefused):
                await stop_with_key(settings, other, key)
        return len(others)

    refused = asyncio.run(main())
    assert refused > 2 * 63
    assert sandbox.channels()["by_status"] == {"404": 1, "401": refused}


def test_a_key_from_a_certificate_with_any_character_changed_is_refused(sandbox: RunningSandbox) -> None:
    app_id = sandbox.app_ids[0]
    certificate = sandbox.app_certificate(app_id)
    others = {other for other in altered(certificate, "0123456789abcdef") if "x" not in other}

    async def main() -> None:
        for other in sorted(others):
            settings = channel_account_of(sandbox, app_id, app_certificate=other)
            async with PushStreamClient(settings) as client:
                with pytest.raises(ChannelKeyRefused):
                    await client.start(CNAME)

    asyncio.run(main())
    assert len(others) > 2 * len(certificate)
    assert sandbox.channels()["by_status"] == {"401": len(others)}


def test_an_upper_case_app_id_is_sent_in_lower_case(sandbox: RunningSandbox) -> None:
    app_id = sandbox.app_ids[0]
    assert app_id != app_id.upper()
    settings = channel_account_of(sandbox, app_id.upper(), app_certificate=sandbox.app_certificate(app_id))

    async def main() -> Channel:
        async with PushStreamClient(settings) as client:
            return await client.start(CNAME)

    assert asyncio.run(main()).cname == CNAME
