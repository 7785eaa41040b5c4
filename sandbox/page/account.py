"""The parts of the page that show the account as it is now: settings, apps, channels."""

from __future__ import annotations

from datetime import timedelta
from html import escape

import numpy as np

from sandbox.account import Account
from sandbox.catalogue import App
from sandbox.channels import Channel
from sandbox.page.table import table

_MOST_SHOWN = 40
_SPARK_WIDTH, _SPARK_HEIGHT = 288, 36


def facts(account: Account) -> str:
    """Shows the settings in force."""
    now = account.clock.now()
    limit = account.rate_limit.per_second
    facts = {
        "Clock": f"{now:%Y-%m-%d %H:%M} {account.config.timezone}",
        "Window": str(account.window),
        "Oldest usage date": account.window.oldest_usage_date(now.date()).isoformat(),
        "Dashboard API's limit": f"{limit:g} calls a second" if limit else "none",
        "Apps": f"{len(account.apps):,}",
        "Faults in force": str(len(account.faults)),
    }
    items = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts.items()
    )
    return f'<dl class="facts card">{items}</dl>'


def channels(account: Account) -> str:
    """Shows the first channels that are being pushed, and what was counted of their calls."""
    told = account.channels.described()
    pushed = account.channels.pushed()
    names = {app.app_id: app.name for app in account.apps}
    heads = ["Channel", "Pushed to", "Hosts", "Since", "#Key's age"]
    rows = [_channel_row(channel, names[channel.app_id]) for channel in pushed[:_MOST_SHOWN]]
    shown = table(heads, rows) if rows else "<p>No channel is being pushed.</p>"
    rest = len(pushed) - len(rows)
    more = f'<p class="soft">and {rest:,} more in /_sandbox/channels.</p>' if rest else ""
    counts = " · ".join(f"{count} {told[count]:,}" for count in ("starts", "updates", "stops", "refused"))
    refusal = told["last_refusal"]
    last = "" if refusal is None else f"<br>Last refusal: {refusal['status']}. {escape(refusal['reason'])}"
    return (
        f'<h2>Channels being pushed</h2><div class="card" id="channels">{shown}{more}'
        f'<p class="soft">Counted so far: {counts}{last}</p></div>'
    )


def _channel_row(channel: Channel, app_name: str) -> list[str]:
    urls = "<br>".join(f"<code>{escape(url)}</code>" for url in channel.urls)
    return [
        f'<span class="mono">{escape(channel.cname)}</span><br><span class="soft">{escape(app_name)}</span>',
        urls or '<span class="soft">nowhere</span>',
        ", ".join(map(str, channel.uids)) or '<span class="soft">none</span>',
        f'<span class="line">{channel.started_at[:16].replace("T", " ")}</span>',
        f"#{channel.key_age_seconds:.0f} s",
    ]


def apps(account: Account) -> str:
    """Shows the first apps with their traffic of yesterday and their open state."""
    shown = account.apps[:_MOST_SHOWN]
    rest = len(account.apps) - len(shown)
    rows = [_app_row(app, account) for app in shown]
    more = f'<p class="soft">and {rest:,} more in /_sandbox/apps.</p>' if rest else ""
    heads = ["App", "Profile", "Push-streaming", "Yesterday", "#Peak, kbps"]
    return f'<h2>Apps</h2><div class="card" id="apps">{table(heads, rows)}{more}</div>'


def _app_row(app: App, account: Account) -> list[str]:
    kbps = np.nan_to_num(app.points(account.clock.now().date() - timedelta(days=1)).astype(np.float64))
    kind = app.profile if app.habit in ("steady", "recorded") else f"{app.profile}; {app.habit}"
    return [
        f'{escape(app.name)}<br><span class="mono soft">{escape(app.app_id)}</span>',
        escape(kind),
        "open" if account.open_states.is_open(app.app_id) else '<span class="soft">closed</span>',
        _spark(kbps, app.name),
        f"#{kbps.max():,.0f}",
    ]


def _spark(kbps: np.ndarray, name: str) -> str:
    top = max(float(kbps.max()), 1.0)
    heights = _SPARK_HEIGHT - 1 - kbps / top * (_SPARK_HEIGHT - 3)
    line = "L".join(f"{x} {y:.1f}" for x, y in enumerate(heights.tolist()))
    return (
        f'<svg viewBox="0 0 {_SPARK_WIDTH} {_SPARK_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="Yesterday\'s bandwidth of {escape(name)}">'
        f'<path d="M0 {_SPARK_HEIGHT}L{line}L{_SPARK_WIDTH - 1} {_SPARK_HEIGHT}Z"/></svg>'
    )
