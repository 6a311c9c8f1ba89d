"""The environment variables that Lambda, or a person, would give to the extension."""

import os

from support.moto_upstream import REGION
from support.private_words import SECRET_ACCESS_KEY, SESSION_TOKEN

PORT = 2773
TOKEN_HEADER = "X-Aws-Parameters-Secrets-Token"

ENVIRONMENT_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
    "AWS_SESSION_TOKEN": SESSION_TOKEN,
}


def settings(**more: str) -> dict[str, str]:
    """What every run has. Nothing of the machine's own environment but the path gets through."""
    return {
        "PATH": os.environ["PATH"],
        "AWS_REGION": REGION,
        "PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL": "DEBUG",
        **more,
    }


def upstreams(url: str, parameter_store_url: str | None = None) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": url,
        "AWS_ENDPOINT_URL_SSM": parameter_store_url or url,
    }
