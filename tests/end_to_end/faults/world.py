"""One extension and all that is around it: AWS, the network, names, credentials, Lambda."""

import datetime
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support.aws_answers import GET_SECRET, Answer, secret
from support.aws_stub import AwsStub
from support.certificates import Authority
from support.credentials_endpoint import AUTHORIZATION, CredentialsEndpoint
from support.environment import ENVIRONMENT_CREDENTIALS, settings, upstreams
from support.extension import Extension
from support.extensions_api import ExtensionsApi
from support.fault_proxy import FaultProxy
from support.log_file import LogFile
from support.name_server import NameServer
from support.private_words import SESSION_TOKEN, value_of

HOST = "upstream.test"
KEY = "db"
SECRET = f"/secretsmanager/get?secretId={KEY}"
REFRESH = f"{SECRET}&refreshNow=true"
OTHER_KEY = "other"
OLD, NEW = value_of("db, the old one"), value_of("db, the new one")


@dataclass(frozen=True)
class Authorities:
    """Both have signed a certificate for `HOST`; the extension trusts one of them."""

    trusted: Authority
    stranger: Authority


@dataclass
class World:
    stub: AwsStub
    """Secrets Manager, and `stranger` the same with a certificate that is not trusted."""
    stranger: AwsStub
    proxy: FaultProxy
    """Stands before them."""
    names: NameServer
    endpoint: CredentialsEndpoint
    api: ExtensionsApi
    log: LogFile
    token: str = SESSION_TOKEN
    extension: Extension = field(init=False)

    def answer(self, *answers: Answer) -> None:
        """What Secrets Manager answers for the key from now on, call by call; the last one ever
        after."""
        self.stub.lay_down(GET_SECRET, KEY, *answers)

    def be_well(self) -> None:
        self.answer(secret(KEY, NEW))


Change = Callable[[World], None]


@contextmanager
def world(
    authorities: Authorities,
    folder: Path,
    pace: float | None,
    from_endpoint: bool,
    by_name: bool,
    more: dict[str, str],
) -> Iterator[World]:
    """A world in which everything is well and in which the key has its old value. The extension
    serves."""
    log = LogFile(folder / "log")
    with ExitStack() as stack:
        stub, stranger = (
            stack.enter_context(AwsStub(authority)) for authority in (authorities.trusted, authorities.stranger)
        )
        for aws in (stub, stranger):
            for key, value in ((KEY, OLD), (OTHER_KEY, OLD)):
                aws.lay_down(GET_SECRET, key, secret(key, value))
        made = World(
            stub,
            stranger,
            stack.enter_context(FaultProxy(stub.port)),
            stack.enter_context(NameServer(HOST, "127.0.0.1")),
            stack.enter_context(CredentialsEndpoint(SESSION_TOKEN)),
            stack.enter_context(ExtensionsApi(pace)),
            log,
        )
        credentials = made.endpoint.environment if from_endpoint else ENVIRONMENT_CREDENTIALS
        if from_endpoint:
            made.token = AUTHORIZATION
            # Less than the SDK's margin: it asks for them with every call.
            made.endpoint.lifetime = datetime.timedelta(seconds=5)
        host = HOST if by_name else "127.0.0.1"
        environment = {
            **settings(**upstreams(f"https://{host}:{made.proxy.port}")),
            **credentials,
            **made.api.environment,
            "AWS_CA_BUNDLE": str(authorities.trusted.bundle),
            **more,
        }
        made.extension = stack.enter_context(Extension(environment, log))
        yield made
