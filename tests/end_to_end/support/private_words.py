"""Words that may never be logged.

Every value and every credential of these tests carries a mark, so that one search through a log
finds any of them, in plain text or in base64.
"""

import base64

VALUE_MARK = "PLAINTEXT-VALUE"
CREDENTIAL_MARK = "PRIVATE-CREDENTIAL"

SESSION_TOKEN = f"{CREDENTIAL_MARK}-session-token"
SECRET_ACCESS_KEY = f"{CREDENTIAL_MARK}-secret-access-key"


def value_of(name: str) -> str:
    """The value that the secret or parameter `name` has in these tests."""
    return f"{VALUE_MARK} of {name}"


def leaks_in(log: str) -> list[str]:
    """The lines of a log that hold a value or a credential."""
    forbidden = [*in_every_form(VALUE_MARK), *in_every_form(CREDENTIAL_MARK)]
    return [line for line in log.splitlines() if any(form in line for form in forbidden)]


def in_every_form(mark: str) -> list[str]:
    """The mark itself, and what of it shows in base64 wherever in a longer text it begins."""
    shifted = [base64.b64encode(b"\0" * shift + mark.encode()).decode() for shift in range(3)]
    return [mark, shifted[0][:-4], *(encoded[4:-4] for encoded in shifted[1:])]
