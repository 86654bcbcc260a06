"""Sends the calls that wait: what goes out, and what an answer means."""

import logging
import time
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import httpx
from django.conf import settings

from jobtracker import outbound
from jobtracker.outgoing.queue import Outcome, Queue, Task
from jobtracker.redaction import FILTERED, scrub
from jobtracker.webhooks.models import WebhookCall

TRIES = 8
PASSING = {408, 425, 429}  # of the answers 4xx; all others of them are final
ANSWER_BYTES = 4096  # of a response that are kept
ANSWER_SECONDS = 10.0  # for those to come in

logger = logging.getLogger(__name__)


class Calls(Queue):
    """Every call with the same idempotency key each time it is tried. A call that a killed process
    had begun is sent again under its key: the receiver must take a key once."""

    name = "calls"
    noun = "call"
    model = WebhookCall
    columns = ("webhook_url", "method", "idempotency_key", "request_body")
    slots = 4
    tries = TRIES
    done = WebhookCall.Status.SUCCESS

    @cached_property
    def _client(self) -> httpx.Client:
        return outbound.client()

    def work(self, task: Task) -> Outcome:
        began = time.monotonic()

        def values(**more: Any) -> Mapping[str, Any]:
            return {"response_time_ms": round((time.monotonic() - began) * 1000), **more}

        try:
            url = _target(task.values["webhook_url"])
            outbound.check(url)
            with outbound.told(httpx.URL(url).host):
                with self._client.stream(
                    task.values["method"],
                    url,
                    content=(task.values["request_body"] or "").encode(),  # as jsonb writes it
                    headers={
                        "Content-Type": "application/json",
                        "Idempotency-Key": str(task.values["idempotency_key"]),
                        "Accept-Encoding": "identity",
                    },
                    follow_redirects=False,
                ) as response:
                    answered = values(response_status=response.status_code)
                    text = _text_of(response)
        except outbound.OutboundError as error:
            unanswered = values(response_status=None, response_body="")
            return Outcome(str(error), passing=error.transient, values=unanswered)
        return _judged(response, {**answered, "response_body": text})

    def failed(self, task: Task) -> None:
        """Report the first call of a job that failed at this host; the others have its cause."""
        if not settings.SENTRY_DSN:
            return
        from jobtracker import reporting

        call = WebhookCall.objects.select_related("job__supplier").get(pk=task.id)
        alike = WebhookCall.objects.filter(job=call.job, host=call.host, status=call.status)
        if alike.count() == 1:
            reporting.send(reporting.undelivered_event(call.job, call.host, call.error_message))


def _target(stored: str) -> str:
    """Return the address to call. Secrets in the configured one are not stored with its calls."""
    if stored == scrub(settings.PRODUCT_API_URL):
        return settings.PRODUCT_API_URL
    if FILTERED in stored:
        raise outbound.OutboundRefused(
            "PRODUCT_API_URL is another address by now, and the old one's secrets are not kept."
        )
    return stored


def _judged(response: httpx.Response, values: Mapping[str, Any]) -> Outcome:
    """Say what an answer means: 2xx is done, 408, 425, 429 and 5xx pass, all else is final."""
    if response.is_success:
        return Outcome(values=values)
    status, host = response.status_code, response.url.host
    error = f"{host} answered {outbound.answer_of(response)}."
    if response.is_redirect:
        error += " A call is not redirected: set the address that it leads to."
    return Outcome(
        error,
        passing=status >= 500 or status in PASSING,
        retry_after=outbound.retry_after(response),
        values=values,
    )


def _text_of(response: httpx.Response) -> str:
    """Return the start of a body, without secrets and as PostgreSQL can hold it. What breaks off
    in there changes nothing: the status has come."""
    kept, until = b"", time.monotonic() + ANSWER_SECONDS
    try:
        for piece in response.iter_raw():
            kept += piece
            if len(kept) >= ANSWER_BYTES or time.monotonic() > until:
                break
    except httpx.HTTPError as error:
        logger.info("%s broke off after its status: %s", response.url.host, error)
    text = kept[:ANSWER_BYTES].decode("utf-8", "replace").replace("\0", "")
    scrubbed: str = scrub(text)
    return scrubbed
