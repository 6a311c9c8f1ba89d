"""Names, certificates and credentials that go wrong."""

from faults.answers import answering
from faults.fault import Fault
from faults.network import DISPATCH, TIME_OUT
from faults.world import World
from support.aws_answers import failure

def is_not_trusted(world: World) -> None:
    world.proxy.upstream_port = world.stranger.port
    world.proxy.cut_all()


def is_trusted_again(world: World) -> None:
    world.proxy.upstream_port = world.stub.port
    world.proxy.cut_all()


def is_not_found(world: World) -> None:
    world.names.knows_it = False
    world.proxy.cut_all()


def is_found_again(world: World) -> None:
    world.names.knows_it = True


def loses_dns(world: World) -> None:
    world.names.is_silent = True
    world.proxy.cut_all()


def has_dns_again(world: World) -> None:
    world.names.is_silent = False


def endpoint_hangs(world: World) -> None:
    world.endpoint.hangs.set()


def endpoint_answers(world: World) -> None:
    world.endpoint.status = 200
    world.endpoint.hangs.clear()


def endpoint_fails(world: World) -> None:
    world.endpoint.status = 500


def endpoint_has_none(world: World) -> None:
    world.endpoint.status = 404


IDENTITY = (
    Fault("has a certificate that is not trusted", is_not_trusted, is_trusted_again, DISPATCH),
    Fault("has a name that does not exist any more", is_not_found, is_found_again, DISPATCH, by_name=True),
    Fault("has a name, and the name server is silent", loses_dns, has_dns_again, TIME_OUT, by_name=True, over_within=6.0),
    answering(
        "answers that the credentials have expired",
        failure("ExpiredTokenException", "The security token included in the request is expired"),
        codes=frozenset({"ExpiredTokenException"}),
    ),
    Fault("is not asked: there are no credentials", codes=DISPATCH, has_value=False,
          settings=(("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", ""))),
    Fault("is not asked: the endpoint has no credentials any more", endpoint_has_none, endpoint_answers, DISPATCH, from_endpoint=True),
    Fault("is not asked: the credentials' endpoint answers 500", endpoint_fails, endpoint_answers, DISPATCH | TIME_OUT, from_endpoint=True, over_within=3.0),
    Fault("is not asked: the credentials' endpoint hangs", endpoint_hangs, endpoint_answers, DISPATCH | TIME_OUT, from_endpoint=True, over_within=3.0),
)  # fmt: skip
