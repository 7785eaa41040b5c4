"""Operators that start, update and stop the push-stream of a channel."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from agora.dag_support.broadcast_state import BroadcastState
from agora.dag_support.params import as_list, refuse_unknown_keys
from agora.dag_support.run_notes import note, noting_errors
from agora.errors import (
    ChannelNotFound,
    OutcomeUnknown,
    RateLimited,
    SettingsError,
    UnexpectedResponse,
    VendorError,
    VendorUnavailable,
)
from agora.hooks.push_stream import AgoraPushStreamHook
from agora.settings import PUSH_STREAM_CONN_ID

if TYPE_CHECKING:
    from airflow.sdk import Context

    from agora.client.push_stream import Channel


class PushStreamChannelOperator(BaseOperator):
    """Base class of the three operators. Makes one call, and returns and notes the response.

    Airflow may retry the task after temporary errors, such as an unavailable vendor. Any other vendor error
    fails the task immediately and reports the channel, the status, the vendor's message and a remedy.

    Args:
        cname: The channel's name, 1 to 64 printable ASCII characters.
        conn_id: Connection of the channel's app.
    """

    template_fields: Sequence[str] = ("cname", "conn_id")
    done = ""

    def __init__(self, *, cname: str, conn_id: str = PUSH_STREAM_CONN_ID, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cname = cname
        self.conn_id = conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Make the call and return the vendor's response."""
        try:
            with noting_errors(context):
                self.check(context)
                channel = self.call(AgoraPushStreamHook(self.conn_id), context)
        except VendorError as error:
            if self.is_retryable(error):
                raise
            raise AirflowFailException(str(error)) from error
        response = channel.to_json()
        text = f"Channel {self.cname}: {self.done}. Response: {json.dumps(response)}"
        note(context, text)
        self.log.info("%s", text)
        return response

    def check(self, context: Context) -> None:
        """Reject a run with unknown parameters before the vendor is called."""
        refuse_unknown_keys(context)

    def call(self, hook: AgoraPushStreamHook, context: Context) -> Channel:
        """Make the call. Subclasses implement it."""
        raise NotImplementedError(f"{type(self).__name__} does not implement call().")

    def is_retryable(self, error: VendorError) -> bool:
        """Return whether Airflow may retry the task after this error."""
        return isinstance(error, VendorUnavailable | RateLimited)


class PushStreamStartOperator(PushStreamChannelOperator):
    """Start pushing a channel's stream, at most once per run.

    The effect of a second start is undocumented. A task that is killed between request and response cannot
    determine whether the first start took effect. The task therefore has no retries, even if `retries` is
    set. Airflow also restarts a task that a scheduler lost. If an earlier try may have started the stream,
    the task fails without sending a request.

    Args:
        urls: Destinations, rtmp:// or rtmps://, or a JSON list of them.
    """

    template_fields: Sequence[str] = (*PushStreamChannelOperator.template_fields, "urls")
    done = "started"

    def __init__(self, *, urls: Sequence[str] | str = (), **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "retries": 0})
        self.urls = urls

    def call(self, hook: AgoraPushStreamHook, context: Context) -> Channel:
        """Start the push, and record for the stop task that a stream may have started."""
        urls = as_list("urls", self.urls)
        settings = hook.get_settings()
        broadcast = BroadcastState.of(context["ti"], self.task_id)
        if broadcast.is_recorded():
            raise OutcomeUnknown(
                "an earlier try of this run may have started the push, so it is not started again",
                about=f"Channel {self.cname}, App {settings.app_id}, connection {self.conn_id}",
                app_id=settings.app_id,
                advice="Stop the channel, then trigger a new run.",
            )
        broadcast.record(self.cname, self.conn_id)
        is_stopped_later = self._has_stop_task()
        try:
            channel = hook.start(self.cname, urls)
        except (SettingsError, VendorError) as error:
            is_known = not isinstance(error, OutcomeUnknown | UnexpectedResponse)
            if is_known or not is_stopped_later:
                broadcast.clear()
            raise
        if not is_stopped_later:
            broadcast.clear()
        return channel

    def _has_stop_task(self) -> bool:
        stops = (getattr(task, "partial_kwargs", None) or vars(task) for task in self.dag.tasks)
        return any(stop.get("start_task_id") == self.task_id for stop in stops)


class PushStreamUpdateOperator(PushStreamChannelOperator):
    """Change the hosts or the stream URLs of a channel that is being pushed.

    Args:
        urls: Destinations, or a JSON list of them. Empty: unchanged.
        uids: The uids of the hosts in order, as positive integers, or a JSON list of them. Empty: unchanged.
    """

    template_fields: Sequence[str] = (*PushStreamChannelOperator.template_fields, "urls", "uids")
    done = "updated"

    def __init__(
        self, *, urls: Sequence[str] | str = (), uids: Sequence[int] | str = (), **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.urls = urls
        self.uids = uids

    def call(self, hook: AgoraPushStreamHook, context: Context) -> Channel:
        """Update the push."""
        return update(hook, self.cname, self.urls, self.uids)


def update(
    hook: AgoraPushStreamHook, cname: str, urls: Sequence[str] | str, uids: Sequence[int] | str
) -> Channel:
    """Update a channel's stream URLs, hosts or both.

    Raises:
        SettingsError: `urls` and `uids` are both empty.
    """
    new_urls, new_uids = as_list("urls", urls), as_list("uids", uids)
    if not (new_urls or new_uids):
        raise SettingsError(f"Channel {cname}: urls and uids are both empty. Set at least one of them.")
    return hook.update(cname, uids=new_uids, urls=new_urls)


class PushStreamStopOperator(PushStreamChannelOperator):
    """Stop pushing a channel's stream.

    With `start_task_id`, the operator is the teardown of a broadcast. It stops any stream that the start task
    started or may have started. If the channel is already stopped, the task is skipped. After any other
    error, Airflow may retry the task, because the stream is still being pushed. The task is also skipped if
    the start sent no request or was refused, because a channel with this name belongs to another program.
    For an example, see dags/agora_push_stream_broadcast.py.

    Args:
        start_task_id: The start task in the same run. Without it, the channel is stopped unconditionally.
    """

    done = "stopped"

    def __init__(self, *, start_task_id: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.start_task_id = start_task_id

    def check(self, context: Context) -> None:
        """Reject unknown parameters, except after a start: a started channel must always be stopped."""
        if not self.start_task_id:
            super().check(context)

    def call(self, hook: AgoraPushStreamHook, context: Context) -> Channel:
        """Stop the push."""
        if not self.start_task_id:
            return hook.stop(self.cname)
        broadcast = BroadcastState.of(context["ti"], self.start_task_id)
        if not broadcast.is_recorded():
            # For a task, a variable that was encrypted with another Fernet key does not exist.
            if context["ti"].try_number > 1 or not broadcast.start_succeeded(context["ti"]):
                raise AirflowSkipException(f"Channel {self.cname}: this run has not started a push.")
            broadcast.record(self.cname, self.conn_id)
        try:
            channel = hook.stop(self.cname)
        except ChannelNotFound as error:
            broadcast.clear()
            raise AirflowSkipException(f"The channel is already stopped. {error}") from error
        broadcast.clear()
        return channel

    def is_retryable(self, error: VendorError) -> bool:
        """Return whether Airflow may retry the task after this error."""
        return bool(self.start_task_id) or super().is_retryable(error)


class PushStreamActionOperator(PushStreamStartOperator):
    """Start, update or stop pushing a channel's stream. There are no retries.

    One operator runs all three actions, because Airflow would show a run's other branches as skipped.

    Args:
        action: `start`, `update` or `stop`.
        uids: The hosts' uids in order, or a JSON list of them. Only for `update`.
    """

    template_fields: Sequence[str] = (*PushStreamStartOperator.template_fields, "action", "uids")

    def __init__(self, *, action: str, uids: Sequence[int] | str = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.action = action
        self.uids = uids

    def call(self, hook: AgoraPushStreamHook, context: Context) -> Channel:
        """Run the action."""
        self.done = {"start": "started", "update": "updated", "stop": "stopped"}[self.action]
        if self.action == "update":
            return update(hook, self.cname, self.urls, self.uids)
        if self.action == "stop":
            return hook.stop(self.cname)
        if as_list("uids", self.uids):
            raise SettingsError(
                f"Channel {self.cname}: uids are only for update. Start without uids, then update."
            )
        return super().call(hook, context)
