"""Neither a value nor a credential is ever logged.

The fixture `log` looks for both after every test, whatever that test was about. Here is what shows
that the search would find them.
"""

import base64

import pytest

from support.private_words import SECRET_ACCESS_KEY, SESSION_TOKEN, leaks_in, value_of


@pytest.mark.parametrize("private", [value_of("db"), SESSION_TOKEN, SECRET_ACCESS_KEY])
def test_a_leak_would_be_found(private: str) -> None:
    assert leaks_in(f"harmless\nDEBUG the value is {private}.\nharmless") == [f"DEBUG the value is {private}."]


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_a_leak_in_base64_would_be_found(before: str) -> None:
    line = base64.b64encode(f"{before}{value_of('db')}".encode()).decode()

    assert leaks_in(line) == [line]


def test_names_may_be_logged() -> None:
    assert leaks_in("DEBUG miss secret name=db\nDEBUG hit parameter name=/app/url") == []
