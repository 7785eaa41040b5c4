"""Starting, updating and stopping the push-stream of a channel."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.branch import BaseBranchOperator
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from agora.dag_support.broadcast_state import BroadcastState
from agora.dag_support.params import refuse_unknown_keys
from agora.dag_support.run_notes import NOTE_KEY, noting_errors
from agora.dag_support.templated_lists import as_list
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
    """What the three have in common: one call, its answer returned and noted on the run.

    Where another try may do better, as when the vendor is not available, Airflow may try again; any other
    error of the vendor's fails the task at once, with the channel, the status, the vendor's words and what to
    do.

    Args:
        cname: The channel's name, 1 to 64 printable ASCII characters.
        conn_id: Connection of the app whose channel it is.
    """

    template_fields: Sequence[str] = ("cname", "conn_id")
    done = ""

    def __init__(self, *, cname: str, conn_id: str = PUSH_STREAM_CONN_ID, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cname = cname
        self.conn_id = conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Ask the vendor; return its answer."""
        try:
            with noting_errors(context):
                self.check(context)
                channel = self.call(AgoraPushStreamHook(self.conn_id), context)
        except VendorError as error:
            if self.may_do_better(error):
                raise
            raise AirflowFailException(str(error)) from error
        answer = channel.to_json()
        note = f"Channel {self.cname}: {self.done}. The vendor answers {json.dumps(answer)}"
        context["ti"].xcom_push(NOTE_KEY, note)
        self.log.info("%s", note)
        return answer

    def check(self, context: Context) -> None:
        """Refuse a run with unknown parameters before the vendor is called."""
        refuse_unknown_keys(context)

    def call(self, hook: AgoraPushStreamHook, context: Context) -> Channel:
        """Make the one call; each of the three has its own."""
        raise NotImplementedError(f"{type(self).__name__} makes no call.")

    def may_do_better(self, error: VendorError) -> bool:
        """Tell whether Airflow may try again after this error."""
        return isinstance(error, VendorUnavailable | RateLimited)


class PushStreamStartOperator(PushStreamChannelOperator):
    """Starts pushing a channel's stream, once a run.

    Nobody knows what a second start does, and whoever was killed between asking and hearing does not know
    whether there was a first. So the task has no retries, whatever is asked for, and a try after one that may
    have started something (Airflow begins a task anew that a scheduler lost) fails without asking.

    Args:
        urls: Where to push to, rtmp:// or rtmps://, or a JSON list of them.
    """

    template_fields: Sequence[str] = (*PushStreamChannelOperator.template_fields, "urls")
    done = "started"

    def __init__(self, *, urls: Sequence[str] | str = (), **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "retries": 0})
        self.urls = urls

    def call(self, hook: AgoraPushStreamHook, context: Context) -> Channel:
        """Start, leaving word for the stop that there may be something to stop."""
        urls = as_list("urls", self.urls)
        settings = hook.get_settings()
        on_air = BroadcastState.of(context["ti"], self.task_id)
        if on_air.may_be():
            raise OutcomeUnknown(
                "an earlier try of this run may have started it, so it is not started again",
                about=f"Channel {self.cname}, App {settings.app_id}, connection {self.conn_id}",
                app_id=settings.app_id,
                advice="Stop it, then trigger a new run.",
            )
        on_air.remember(self.cname, self.conn_id)
        is_to_be_stopped = self._is_stopped_by_its_run()
        try:
            channel = hook.start(self.cname, urls)
        except (SettingsError, VendorError) as error:
            is_known = not isinstance(error, OutcomeUnknown | UnexpectedResponse)
            if is_known or not is_to_be_stopped:
                on_air.forget()
            raise
        if not is_to_be_stopped:
            on_air.forget()
        return channel

    def _is_stopped_by_its_run(self) -> bool:
        stops = (getattr(task, "partial_kwargs", None) or vars(task) for task in self.dag.tasks)
        return any(stop.get("start_task_id") == self.task_id for stop in stops)


class PushStreamUpdateOperator(PushStreamChannelOperator):
    """Changes the hosts or the stream URLs of a channel that is pushed.

    Args:
        urls: Where to push to, or a JSON list of them; empty leaves them as they are.
        uids: The hosts in their order, positive whole numbers, or a JSON list; empty leaves them as they are.
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
        """Update."""
        urls, uids = as_list("urls", self.urls), as_list("uids", self.uids)
        if not (urls or uids):
            raise SettingsError(
                f"Channel {self.cname}: neither urls nor uids are given, so there is nothing to update."
            )
        return hook.update(self.cname, uids=uids, urls=urls)


class PushStreamStopOperator(PushStreamChannelOperator):
    """Stops pushing a channel's stream.

    As a broadcast's teardown give it `start_task_id`: then it stops whatever that task started or may have
    started, and a channel that is gone already is as well. Whatever the vendor answers else, Airflow may try
    again: it is still on the air. Where the start never came to ask, or was refused, it ends as skipped: a
    channel of that name is somebody else's. How to wire it, so that the run fails when any of its tasks does:
    dags/agora_push_stream_broadcast.py.

    Args:
        start_task_id: The task of the same run that started it; without one the channel is stopped anyway.
    """

    done = "stopped"

    def __init__(self, *, start_task_id: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.start_task_id = start_task_id

    def check(self, context: Context) -> None:
        """Refuse unknown parameters, except after a start, whose channel must always be stopped."""
        if not self.start_task_id:
            super().check(context)

    def call(self, hook: AgoraPushStreamHook, context: Context) -> Channel:
        """Stop."""
        if not self.start_task_id:
            return hook.stop(self.cname)
        on_air = BroadcastState.of(context["ti"], self.start_task_id)
        if not on_air.may_be():
            # To a task, a variable that is stored with another Fernet key does not exist.
            if context["ti"].try_number > 1 or not on_air.is_started(context["ti"]):
                raise AirflowSkipException(f"Channel {self.cname}: this run has nothing on the air.")
            on_air.remember(self.cname, self.conn_id)
        try:
            channel = hook.stop(self.cname)
        except ChannelNotFound as error:
            on_air.forget()
            raise AirflowSkipException(f"It is not pushed any more. {error}") from error
        on_air.forget()
        return channel

    def may_do_better(self, error: VendorError) -> bool:
        """Tell whether Airflow may try again after this error."""
        return bool(self.start_task_id) or super().may_do_better(error)


class PushStreamActionOperator(BaseBranchOperator):
    """Chooses the task that a trigger form's `action` names: start, update or stop."""

    def choose_branch(self, context: Context) -> str:
        """Return its task id."""
        params = context["params"]
        with noting_errors(context):
            refuse_unknown_keys(context)
            if params["action"] == "start" and any(params["uids"] or ()):
                raise SettingsError(
                    f"Channel {params['cname']}: uids are for update, a start takes none. Start without them,"
                    " then update."
                )
        return str(params["action"])
