"""Data that moves, switches, the judge's interface, and the simulator as a process of its own."""

import contextlib
import http.client
import json
import signal
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from resumable.simulator.faults.faults import FaultKind, SimFault
from resumable.simulator.json_values import Json
from resumable.simulator.messages import Kind
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from tests.simulator.caller import DAY, Caller, Clock, Start
from tests.support.machine import needs

PROGRAM = """
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import serve
serve(SimSettings(records=4), ready=lambda url: print(url, flush=True))
"""


def count(caller: Caller) -> int:
    total: int = caller.page(1, 100).json["totalHits"]
    return total


def test_late_records_arrive_after_so_many_requests(start: Start) -> None:
    """Until then the total is smaller and pages lie otherwise; the truth is what it is afterwards."""
    caller = start(late_share=0.3, late_after_requests=2)
    truth = caller.simulator.truth(DAY)
    totals = [count(caller) for _ in range(4)]
    assert totals[0] == totals[1] < totals[2] == totals[3] == len(truth) == 30
    caller.simulator.begin()
    assert count(caller) == totals[0]


def test_late_records_can_arrive_step_by_step(start: Start) -> None:
    """With steps the total grows several times before it comes to rest."""
    caller = start(records=60, late_share=0.5, late_after_requests=6, late_steps=3)
    totals = [count(caller) for _ in range(8)]
    assert totals == sorted(totals)
    assert len(set(totals)) == 4
    assert totals[-1] == 60


def test_vanishing_records_go_in_time(start: Start, clock: Clock) -> None:
    """Records that do not last are served until the time is over, and are not in the truth."""
    caller = start(clock=clock, vanish_share=0.4, late_after_seconds=60.0)
    assert count(caller) == 30
    clock.now += 60
    assert count(caller) == len(caller.simulator.truth(DAY)) < 30


def test_settings_switch_while_it_runs(start: Start) -> None:
    """A setting that is switched holds from the next request on, data included."""
    caller = start()
    caller.simulator.switch(records=3, page_size_cap=2)
    assert caller.page(1, 3).status == 400
    assert caller.page(1, 2).json["totalHits"] == 3
    with pytest.raises(ValueError, match="colour"):
        caller.simulator.switch(colour="red")


def test_latency_is_served_at_the_same_time() -> None:
    """Requests that wait do not wait for each other, and the log shows how many did at once."""
    together = threading.Barrier(6, timeout=10)
    with Simulator(SimSettings(records=1), sleep=lambda _: void(together.wait())) as simulator:
        caller = Caller(simulator)
        caller.token()
        simulator.switch(latency=1.0)
        threads = [threading.Thread(target=caller.page) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert simulator.log.statuses(Kind.CONVERSATIONS) == {200: 6}
        assert simulator.log.peak() == 6


def void(_: int) -> None:
    """Make a function of what it does alone."""


def test_latency_can_be_a_range_or_a_function() -> None:
    """A latency comes from a number, a range or a function, and all waiting goes through the given sleep."""
    waited: list[float] = []
    with Simulator(SimSettings(latency=(5.0, 6.0), records=1), sleep=waited.append) as simulator:
        caller = Caller(simulator)
        caller.token()
        simulator.switch(latency=lambda: 3600.0)
        caller.page()
        simulator.inject(SimFault(kind=FaultKind.SLOW, seconds=7.0))
        simulator.switch(latency=0.0)
        caller.page()
    assert 5 <= waited[0] <= 6
    assert waited[1:] == [3600.0, 7.0]


def test_the_judge_s_interface_shows_and_switches_everything(start: Start) -> None:
    """Log, counts, truth, revocation, switches and faults are all there over HTTP, and not in the log themselves."""
    caller = start()
    caller.page()
    assert [entry["kind"] for entry in caller.get("/simulator/log").json] == ["token", "conversations"]
    assert caller.get("/simulator/counts").json["kinds"] == {"token": 1, "conversations": 1}
    truth = caller.simulator.truth(DAY)
    lines = caller.get("/simulator/truth/ids", dataset="conversations", interval=DAY).body.splitlines()
    assert [json.loads(line) for line in lines] == list(truth.ids)
    query = json.dumps({"startOfDayIntervalMatching": True})
    records = caller.get("/simulator/truth/records", dataset="conversation-jobs", interval=DAY, query=query).body
    assert b"attributes" in records
    assert len(records.splitlines()) == 30
    assert caller.post("/simulator/revoke", {}).json == {"revoked": 1}
    assert caller.page().status == 401
    caller.token()
    change = {"settings": {"latency": [0, 0.001], "past_end": "null"}, "faults": [{"kind": "status", "status": 504}]}
    assert caller.post("/simulator/switch", change).status == 200
    assert caller.page(99).status == 504
    assert caller.page(99).json["conversations"] is None
    assert caller.get("/simulator/counts").json["faults"] == {"status": 1}
    assert caller.post("/simulator/switch", {"clear_faults": True}).status == 200
    assert caller.post("/simulator/reset-log", {}).status == 200
    assert caller.get("/simulator/log").json == []


@pytest.mark.parametrize("change", [{"colour": 1}, {"settings": {"x": 1}}, {"settings": 5}, {"faults": [{}]}], ids=str)
def test_the_judge_s_interface_refuses_nonsense(start: Start, change: Json) -> None:
    """A switch that does not exist is a 400 and changes nothing."""
    caller = start()
    assert caller.post("/simulator/switch", change).status == 400
    assert caller.get("/simulator/nothing").status == 404
    assert caller.get("/simulator/truth/ids", dataset="moon", interval=DAY).status == 400


def test_a_connection_is_kept_and_requests_may_queue_on_it(start: Start) -> None:
    """Two requests written at once on one connection get two answers in order."""
    caller = start()
    head = (
        f"GET /api/v2/users?pageSize=1&pageNumber={{}} HTTP/1.1\r\nAuthorization: {caller.headers['Authorization']}\r\n"
    )
    found = caller.raw((head.format(1) + "\r\n" + head.format(2) + "Connection: close\r\n\r\n").encode())
    assert found.count(b"HTTP/1.1 200 OK") == 2
    assert found.index(b'"pageNumber":1') < found.index(b'"pageNumber":2')


def test_bodies_may_come_in_chunks_and_after_a_hundred_continue(start: Start) -> None:
    """A chunked request is read, and a client that waits for 100 Continue gets it."""
    caller = start(login=False)
    form = b"grant_type=client_credentials&client_id=simulator-client&client_secret=simulator-secret"
    chunks = f"{len(form):x}\r\n".encode() + form + b"\r\n0\r\n\r\n"
    head = (
        b"POST /oauth/token HTTP/1.1\r\nConnection: close\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    found = caller.raw(head + chunks)
    assert found.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


def test_what_is_unknown_is_a_404(start: Start) -> None:
    """Other paths and methods are refused in the documented shape."""
    caller = start()
    assert caller.get("/api/v2/nothing").json["code"] == "not.found"
    assert caller.call("GET", "/oauth/token").status == 405
    assert caller.simulator.log.count(Kind.UNKNOWN) == 1


@needs("openssl")
def test_it_can_speak_tls(tmp_path: Path) -> None:
    """With a context it serves https, and a client that does not know the certificate refuses it."""
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "certificate.pem")
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    make += ["-days", "1", "-subj", "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1"]
    make += ["-keyout", key, "-out", certificate]
    subprocess.run(make, check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with Simulator(SimSettings(), tls=tls) as simulator:
        assert simulator.url.startswith("https://127.0.0.1:")
        place = urlsplit(simulator.url)
        for trusted, context in ((True, ssl.create_default_context(cafile=certificate)), (False, None)):
            connection = http.client.HTTPSConnection("127.0.0.1", place.port, timeout=5, context=context)
            with contextlib.closing(connection), contextlib.nullcontext() if trusted else pytest.raises(ssl.SSLError):
                connection.request("GET", "/simulator/counts")
                assert json.load(connection.getresponse())["requests"] == 0


def test_closing_leaves_nothing_behind(start: Start) -> None:
    """After close nobody answers, and log and truth are still there."""
    caller = start()
    caller.page()
    caller.simulator.close()
    with pytest.raises(OSError, match=r"refused|reset"):
        caller.page()
    assert len(caller.simulator.log) == 2
    assert len(caller.simulator.truth(DAY)) == 30


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_as_a_process_until_a_signal(number: signal.Signals) -> None:
    """serve tells its address, answers, and leaves with 0 at SIGINT or SIGTERM."""
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:")
        process.send_signal(number)
        assert process.wait(5) == 0


def test_it_imports_nothing_of_the_rest_of_the_package() -> None:
    """Importing the simulator loads no module of resumable and no third-party package."""
    program = "import sys, resumable.simulator.simulator; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    own = {name for name in loaded if name.partition(".")[0] == "resumable"}
    assert {name for name in own if not name.startswith("resumable.simulator")} == {"resumable"}
    assert {"requests", "urllib3", "pyarrow", "typer", "rich", "backoff"} & set(loaded) == set()
