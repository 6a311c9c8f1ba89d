"""What AWS answers wrong."""

from dataclasses import replace

from faults.fault import Fault
from faults.network import DISPATCH, TIME_OUT
from faults.world import KEY, NEW, World
from support.aws_answers import Answer, Ending, failure, secret

VALUE = secret(KEY, NEW)
THROTTLED = failure("ThrottlingException", "Rate exceeded")
HTML = Answer(200, b"<html><body>It works!</body></html>", content_type="text/html")
TEN_MB = secret(KEY, NEW + "." * 10_000_000)


def answering(name: str, *answers: Answer, codes: frozenset[str] = frozenset(), **more: int | float) -> Fault:
    def begins(world: World) -> None:
        world.answer(*answers)

    return replace(Fault(name, begins, World.be_well, codes), **more)


ANSWERS = (
    answering("reads the request and never answers", VALUE.hanging(), codes=TIME_OUT),
    answering("reads the request and resets", VALUE.then(Ending.CUT, 0), codes=DISPATCH),
    answering("sends half of an answer and resets", VALUE.then(Ending.CUT, 0.8), codes=DISPATCH),
    answering("sends half of an answer and no more", VALUE.then(Ending.SILENCE, 0.8), codes=TIME_OUT),
    answering("trickles: an answer takes 0.6 s", VALUE.trickling(0.6), answered_within=0.6),
    answering("trickles: an answer takes a minute", VALUE.trickling(60), codes=TIME_OUT),
    answering(
        "answers 500",
        failure("InternalServiceError", "An error occurred", 500),
        codes=frozenset({"InternalServiceError"}),
    ),
    answering("answers 500 once", failure("InternalServiceError", status=500), VALUE),
    answering("answers 503 without a body", Answer(503, b""), codes=frozenset({"Http503"})),
    answering(
        "throttles two calls", THROTTLED, THROTTLED, VALUE,
        has_old_value_instead=True, fetches=3, answered_within=1.0, over_within=5.0,
    ),
    answering(
        "throttles for ever", THROTTLED,
        codes=frozenset({"ThrottlingException", "RequestTimeout"}), fetches=8, over_within=5.0,
    ),
    answering(
        "sends bytes that are no HTTP",
        Answer(200, b"\x00\x01\x02 garbage \xff\r\n\r\n" * 20, is_http=False, ending=Ending.CUT),
        codes=DISPATCH,
    ),
    answering("answers 200 with what is no JSON", Answer(200, b"\x00{not json"), codes=DISPATCH),
    answering("answers 200 with HTML of another type", HTML, codes=DISPATCH),
    answering("answers 200 with a value of 10 MB", TEN_MB, codes=DISPATCH),
)  # fmt: skip
