"""No more than PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS calls and connections at a time, per
upstream."""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from conftest import StartExtension
from support.aws_answers import GET_PARAMETER, GET_SECRET, parameter, secret
from support.aws_stub import AwsStub
from support.certificates import Authority
from support.environment import upstreams
from support.private_words import value_of
from support.upstream_call import count_by_key
from support.waiting import eventually

KEYS = 40
LONG_ENOUGH_TO_OVERLAP = 0.02


@pytest.mark.parametrize("cap", [3, 7])
def test_many_cold_keys_at_once_keep_to_the_cap_of_each_upstream(
    cap: int, start_extension: StartExtension, authority: Authority
) -> None:
    gate = threading.Event()
    with AwsStub(authority) as secrets_manager, AwsStub(authority) as parameter_store:
        paths = []
        for number in range(KEYS):
            key = f"key-{number}"
            for upstream, operation, value in (
                (secrets_manager, GET_SECRET, secret(key, value_of(key))),
                (parameter_store, GET_PARAMETER, parameter(key, value_of(key))),
            ):
                upstream.lay_down(operation, key, value.behind(gate).taking(LONG_ENOUGH_TO_OVERLAP))
            paths += [f"/secretsmanager/get?secretId={key}", f"/systemsmanager/parameters/get?name={key}"]
        extension = start_extension(
            **{"url": secrets_manager.url, **upstreams(secrets_manager.url, parameter_store.url)},
            PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS=str(cap),
        )

        with ThreadPoolExecutor(len(paths)) as callers:
            replies = callers.map(extension.get, paths)
            for upstream in (secrets_manager, parameter_store):
                eventually(partial(is_in_flight, upstream, cap), "as many calls as may be are in flight")
            gate.set()
            statuses = [reply.status for reply in replies]

        assert statuses == [200] * len(paths)
        for upstream in (secrets_manager, parameter_store):
            assert set(count_by_key(upstream.calls).values()) == {1}
            assert len(upstream.calls) == KEYS
            assert upstream.in_flight.peak == cap
            assert upstream.connections.peak == cap
            assert upstream.connections.total == cap, "connections are kept and used again"


def is_in_flight(upstream: AwsStub, calls: int) -> bool:
    return upstream.in_flight.now == calls
