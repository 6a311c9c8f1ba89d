"""What is compared: each peer in a file of its own."""

TOKEN_HEADER = "X-Aws-Parameters-Secrets-Token"
TOKEN = "t" * 1_000
"""As long as a session token of Lambda's."""

REGION = "eu-central-1"


def aws_environment(upstream_url: str) -> dict[str, str]:
    """What both clients of AWS are started with."""
    return {
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_SESSION_TOKEN": TOKEN,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": upstream_url,
    }
