"""An ARN of another region is asked there, with the function's credentials and under the same
cap."""

import threading
from concurrent.futures import ThreadPoolExecutor

from conftest import StartExtension
from support.aws_answers import GET_SECRET, secret
from support.aws_stub import AwsStub
from support.environment import ENVIRONMENT_CREDENTIALS
from support.moto_upstream import REGION, MotoUpstream
from support.private_words import value_of

OTHER = "eu-west-1"


def test_a_secret_and_a_parameter_of_another_region_are_asked_for_there(
    start_extension: StartExtension, moto: MotoUpstream
) -> None:
    near, far = (moto.put_secret("db", value_of(region), region) for region in (REGION, OTHER))
    for region in (REGION, OTHER):
        moto.put_parameter("/app/url", value_of(region), region=region)
    parameter = f"arn:aws:ssm:{OTHER}:123456789012:parameter/app/url"
    extension = start_extension(moto.url)

    for _ in range(2):
        for name, region in (("db", REGION), (near, REGION), (far, OTHER)):
            reply = extension.get(f"/secretsmanager/get?secretId={name}").json()
            assert (reply["ARN"].split(":")[3], reply["SecretString"]) == (region, value_of(region))
        for name, region in (("/app/url", REGION), (parameter, OTHER)):
            reply = extension.get(f"/systemsmanager/parameters/get?name={name}").json()
            assert reply["Parameter"]["Value"] == value_of(region)

    assert sorted((call.key, call.region) for call in moto.calls()) == sorted(
        [("db", REGION), (near, REGION), (far, OTHER), ("/app/url", REGION), (parameter, OTHER)]
    )
    assert {call.session_token for call in moto.calls()} == {ENVIRONMENT_CREDENTIALS["AWS_SESSION_TOKEN"]}


def test_all_regions_of_a_service_share_its_cap(start_extension: StartExtension, stub: AwsStub) -> None:
    gate = threading.Event()
    far = f"arn:aws:secretsmanager:{OTHER}:123456789012:secret:db-AbCdEf"
    stub.lay_down(GET_SECRET, "db", secret("db", value_of("near")).behind(gate))
    stub.lay_down(GET_SECRET, far, secret("db", value_of("far"), ARN=far))
    extension = start_extension(stub.url, PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS="1")

    with ThreadPoolExecutor(2) as clients:
        first = clients.submit(extension.get, "/secretsmanager/get?secretId=db")
        extension.log.wait_for(r" DEBUG fetch started ")
        second = clients.submit(extension.get, f"/secretsmanager/get?secretId={far}")
        extension.log.wait_for(r" DEBUG pool saturated ")
        calls = len(stub.calls)
        gate.set()
        assert [first.result().status, second.result().status] == [200, 200]

    assert calls <= 1
    assert [call.region for call in stub.calls] == [REGION, OTHER]
