"""What a function reads while its module is loaded is answered: "not ready" does not exist."""

from conftest import StartEmulator
from support.moto_upstream import MotoUpstream
from support.private_words import value_of

NOT_READY = "not ready to serve traffic, please wait"


def test_module_level_code_reads_a_secret_and_a_parameter(start_emulator: StartEmulator, moto: MotoUpstream) -> None:
    moto.put_secret("db", value_of("db"))
    moto.put_parameter("/app/url", value_of("/app/url"))
    emulator = start_emulator(
        "reads_in_init.handler",
        moto.url,
        READ_IN_INIT="/secretsmanager/get?secretId=db /systemsmanager/parameters/get/?name=%2Fapp%2Furl",
    )

    (secret_status, secret), (parameter_status, parameter) = emulator.invoke().json()

    assert (secret_status, parameter_status) == (200, 200)
    assert value_of("db") in secret
    assert value_of("/app/url") in parameter
    assert NOT_READY not in emulator.log.text()


def test_the_handler_is_answered_from_what_the_init_code_has_read(
    start_emulator: StartEmulator, moto: MotoUpstream
) -> None:
    moto.put_secret("db", value_of("db"))
    emulator = start_emulator("reads_in_init.handler", moto.url, READ_IN_INIT="/secretsmanager/get?secretId=db")

    assert [emulator.invoke().json()[0][0] for _ in range(3)] == [200, 200, 200]
    assert len(moto.calls()) == 1
