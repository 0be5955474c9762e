# SPDX-License-Identifier: Apache-2.0
"""How the server takes what clients should not send."""
import contextlib
import http.client
import json
import socket
import subprocess
import threading
import time

import pytest

from harness import (BUILD, ROOT, UnixConnection, raw_connect, read_all, stop, tcp_port,
                     wait_for_socket)

LIMIT = 1024 * 1024
CLAIM = {"name": "a", "type": "DC-1-8C"}


def exchange(api, text, close=True):
    """Sends bytes as they are; returns all answers as bytes."""
    sock = raw_connect(api.socket)
    sock.sendall(text)
    if close:
        sock.shutdown(socket.SHUT_WR)
    answer = read_all(sock)
    sock.close()
    return answer


def status_of(answer):
    return int(answer.split(b" ")[1])


def problem_of(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    return json.loads(body)


def test_an_unknown_path_is_404(fake):
    status, body, _ = fake.call("GET", "/v1/nothing")
    assert (status, body["reason"]) == (404, "not-found")


def get_raw(fake, target, method="GET", headers={}):
    connection = UnixConnection(fake.socket)
    connection.request(method, target, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.headers["Content-Type"], answer.read()


@pytest.mark.parametrize("target", ["/", "/v1", "/v1/"])
def test_the_root_lists_the_paths(fake, target):
    status, kind, body = get_raw(fake, target)
    index = json.loads(body)
    assert (status, kind) == (200, "application/json")
    assert "/v1/gpus/{gpu}" in index["paths"] and len(set(index["paths"])) == len(index["paths"])
    assert get_raw(fake, index["description"])[0] == 200
    assert get_raw(fake, target, "HEAD")[::2] == (200, b"")
    assert get_raw(fake, target, "POST")[0] == 404


def test_the_description_is_the_reviewed_file(fake):
    status, kind, body = get_raw(fake, "/openapi.yaml")
    assert (status, kind) == (200, "application/yaml")
    assert body == (ROOT / "api/openapi.yaml").read_bytes()


def test_a_condition_that_cannot_be_met_is_refused(fake):
    marked = {"Cleave-Client": "test", "If-Match": '"99"'}
    status, kind, body = get_raw(fake, "/v1/claims/a", "DELETE", marked)
    assert (status, kind) == (412, "application/problem+json") and "If-Match" in json.loads(body)["detail"]
    assert get_raw(fake, "/v1/claims", headers=marked)[0] == 200
    marked["If-Match"] = "*"
    assert get_raw(fake, "/v1/claims/a", "DELETE", marked)[0] == 404


def test_a_misspelt_key_is_named(fake):
    status, body, _ = fake.call("POST", "/v1/claims", {"names": "a", "type": "DC-1-8C"})
    assert status == 400 and '"names"' in body["detail"]


def test_a_wrong_method_is_405_and_says_what_is_served(fake):
    status, body, headers = fake.call("PATCH", "/v1/claims/a")
    assert status == 405 and headers["Allow"] == "GET, HEAD, DELETE"
    assert "GET, HEAD, DELETE" in body["detail"]


def test_head_has_headers_and_no_body(fake):
    connection = UnixConnection(fake.socket)
    connection.request("HEAD", "/v1/gpus")
    answer = connection.getresponse()
    assert answer.status == 200 and int(answer.headers["Content-Length"]) > 100
    assert answer.read() == b""


@pytest.mark.parametrize("target, said", [
    ("/v1/gpus?dryrun=true", "no query parameter"),
    ("/v1/claims/a?dryRun=maybe", "true or false"),
    ("/v1/events?after=-1", "number of an event"),
    ("/v1/events?limit=0", "from 1 to 1000"),
    ("/v1/events?limit=1001", "from 1 to 1000"),
    ("/v1/events?after=1&after=2", "twice"),
    ("/v1/gpus/%zz", "hex digits"),
    ("/v1/gpus/a%00b", "hex digits"),
    ("/v1/gpus/a%0ab", "control character"),
    ("/v1/gpus/" + "x" * 64, "at most 63"),
    ("/v1/vms/" + "x" * 256 + "/lint", "at most 255"),
    ("/v1/vms/a%09b/lint", "control character"),
])
def test_a_wrong_target_is_400(fake, target, said):
    method = "DELETE" if "dryRun" in target else "GET"
    status, body, _ = fake.call(method, target)
    assert status == 400 and said in body["detail"]


def test_an_unknown_query_parameter_names_the_nearest(fake):
    status, body, _ = fake.call("POST", "/v1/claims?dryrun=true", CLAIM)
    assert status == 400 and "dryRun" in body["hint"]


def test_malformed_json_says_where(fake):
    status, body, _ = fake.call("POST", "/v1/claims", raw='{"name": "a",\n  "type" 3}')
    assert status == 400
    assert body["subject"].startswith("request body:2:"), body


@pytest.mark.parametrize("text, said", [
    ('{"name": "a", "reserved": "b"}', "reserved"),
    ('{"name": "a", "name": "b"}', "duplicate"),
    ('{"name": 3}', "string"),
    ('["name"]', "object"),
    ('{"name": "a", "start": 64}', "start"),
    ('{"name": "a", "mode": "migbacked"}', "migbacked"),
    ("[" * 33 + "]" * 33, "nested"),
    ("{}", "name"),
    ('{"name": "a\\u0000b"}', ""),
    ('{"name": "a"} x', ""),
    ("nul", ""),
])
def test_a_wrong_body_is_400(fake, text, said):
    status, body, _ = fake.call("POST", "/v1/claims", raw=text)
    assert status == 400 and body["reason"] == "invalid-argument"
    assert said in body["detail"], body
    assert fake.get("/v1/claims")["claims"] == []


def test_nesting_up_to_32_reaches_the_reader_of_the_object(fake):
    status, body, _ = fake.call("POST", "/v1/claims",
                                raw='{"name": ' + "[" * 31 + "]" * 31 + "}")
    assert status == 400 and "nested" not in body["detail"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded",
                                  "application/json; charset=latin-1"])
def test_a_body_that_is_not_json_is_415(fake, kind):
    status, body, _ = fake.call("POST", "/v1/claims", CLAIM, headers={"Content-Type": kind})
    assert status == 415 and kind in body["detail"]


def test_json_in_utf8_may_say_so(fake):
    status, _, _ = fake.call("POST", "/v1/claims", CLAIM,
                             headers={"Content-Type": "Application/JSON; charset=UTF-8"})
    assert status == 202


def test_a_missing_body_is_400(fake):
    status, body, _ = fake.call("POST", "/v1/claims")
    assert status == 400 and "needs a JSON body" in body["detail"]


def test_a_body_where_none_belongs_is_400(fake):
    status, body, _ = fake.call("DELETE", "/v1/claims/a", {})
    assert status == 400 and "takes no body" in body["detail"]


def test_a_body_of_the_limit_is_read_and_one_byte_more_is_413(fake):
    body = '{"name": "' + "x" * (LIMIT - 12) + '"}'
    assert len(body) == LIMIT
    status, answer, _ = fake.call("POST", "/v1/claims", raw=body)
    assert status == 400
    status, answer, _ = fake.call("POST", "/v1/claims", raw=body + " ")
    assert status == 413 and "1048576" in answer["detail"]


def test_a_chunked_body_over_the_limit_is_413(fake):
    connection = UnixConnection(fake.socket)
    connection.request("POST", "/v1/claims", body=iter([b"x" * 65536] * 17), encode_chunked=True,
                       headers={"Content-Type": "application/json",
                                "Transfer-Encoding": "chunked"})
    answer = connection.getresponse()
    assert answer.status == 413
    assert json.loads(answer.read())["status"] == 413


def test_a_client_that_asks_first_is_answered_before_it_sends(fake):
    answer = exchange(fake, b"POST /v1/claims HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                            b"Content-Type: application/json\r\nContent-Length: 2000000\r\n\r\n",
                      close=False)
    assert status_of(answer) == 413


def test_an_absurd_length_is_413_at_once(fake):
    answer = exchange(fake, b"POST /v1/claims HTTP/1.1\r\nHost: x\r\n"
                            b"Content-Length: 99999999999999\r\n\r\n", close=False)
    assert status_of(answer) == 413


@pytest.mark.parametrize("headers", [
    b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
    b"Content-Length: 2\r\nContent-Length: 3\r\n",
    b"Content-Length: 2\r\ncontent-length: 2\r\n",
])
def test_two_lengths_are_refused(fake, headers):
    answer = exchange(fake, b"POST /v1/claims HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n{}")
    assert status_of(answer) == 400
    assert b"HTTP/1.1" not in answer[8:], "the rest was taken for a second request"


def test_an_encoded_body_is_415(fake):
    answer = exchange(fake, b"POST /v1/claims HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\n"
                            b"Content-Length: 2\r\n\r\n{}")
    assert status_of(answer) == 415


def test_an_unknown_transfer_coding_is_refused(fake):
    answer = exchange(fake, b"POST /v1/claims HTTP/1.1\r\nHost: x\r\n"
                            b"Transfer-Encoding: gzip\r\n\r\n")
    assert status_of(answer) in (400, 501)


HOST = b"Host: x\r\n"
HEALTH = b"GET /v1/health HTTP/1.1\r\n" + HOST
BODY = b"POST /v1/claims HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
CHUNKED = BODY + b"Transfer-Encoding: chunked\r\n\r\n"


MALFORMED = {
    "binary": (400, b"\x00\x01\x02\r\n\r\n"),
    "TLS": (400, bytes.fromhex("16030100c8010000c40303") + b"\x00" * 190),
    "JSON": (400, b"{}"),
    "a method alone": (400, b"GET\r\n\r\n"),
    "HTTP/0.9": (400, b"GET /v1/gpus\r\n\r\n"),
    "HTTP/2": (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "HTTP/9.9": (505, b"GET /v1/gpus HTTP/9.9\r\n\r\n"),
    "blank lines": (400, b"\r\n" * 100),
    "bare CR": (400, b"GET /v1/health HTTP/1.1\rHost: x\r\r"),
    "bare LF": (400, b"GET /v1/health HTTP/1.1\nHost: x\n\n"),
    "CONNECT": (400, b"CONNECT a:1 HTTP/1.1\r\n" + HOST + b"\r\n"),
    "asterisk": (400, b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a long method": (501, b"A" * 10000 + b" / HTTP/1.1\r\n" + HOST + b"\r\n"),
    "ESC in a method": (400, b"\x1b[31m / HTTP/1.1\r\n" + HOST + b"\r\n"),
    "NUL in a target": (400, b"GET /v1/health\x00x HTTP/1.1\r\n" + HOST + b"\r\n"),
    "NUL in the name of what to delete":
        (400, b"DELETE /v1/claims/a\x00-and-more HTTP/1.1\r\n" + HOST + b"\r\n"),
    "no ASCII in a target": (400, b"GET /v1/\xff HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a long target": (414, b"GET /" + b"a" * 4000 + b" HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a huge target": (414, b"GET /" + b"a" * 1000000),
    "no Host": (400, b"GET /v1/health HTTP/1.1\r\n\r\n"),
    "two Hosts": (400, HEALTH + b"Host: y\r\n\r\n"),
    "NUL in a field": (400, HEALTH + b"X: a\x00b\r\n\r\n"),
    "a folded field": (400, HEALTH + b"X: a\r\n b\r\n\r\n"),
    "a blank before the colon": (400, HEALTH + b"X : a\r\n\r\n"),
    "no colon": (400, HEALTH + b"banana\r\n\r\n"),
    "a bad name": (400, HEALTH + b"X Y\xff: a\r\n\r\n"),
    "many fields": (431, HEALTH + b"".join(b"X%d: y\r\n" % i for i in range(1000)) + b"\r\n"),
    "a long field": (431, HEALTH + b"X: " + b"y" * 33000 + b"\r\n\r\n"),
    "a field without an end": (431, HEALTH + b"a" * 40000),
    "Expect": (417, BODY + b"Expect: banana\r\nContent-Length: 2\r\n\r\n{}"),
    "an empty length": (400, BODY + b"Content-Length: \r\n\r\n{}"),
    "a signed length": (400, BODY + b"Content-Length: +2\r\n\r\n{}"),
    "a negative length": (400, BODY + b"Content-Length: -1\r\n\r\n{}"),
    "a list of lengths": (400, BODY + b"Content-Length: 2,2\r\n\r\n{}"),
    "a hexadecimal length": (400, BODY + b"Content-Length: 0x2\r\n\r\n{}"),
    "a length over 2^64": (413, BODY + b"Content-Length: 18446744073709551618\r\n\r\n{}"),
    "an unknown coding": (501, BODY + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    "no known end": (400, BODY + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    "a coding behind a blank": (400, BODY + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    "a chunk that is too large": (400, CHUNKED + b"FFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n"),
    "a negative chunk": (400, CHUNKED + b"-1\r\n{}\r\n0\r\n\r\n"),
    "chunks with bare LF": (400, CHUNKED + b"2\n{}\n0\n\n"),
    "a long extension": (400, CHUNKED + b"2;a=" + b"b" * 40000 + b"\r\n{}\r\n0\r\n\r\n"),
    "a head that ends": (400, b"GET /v1/health HTTP/1.1\r\nHo"),
    "a body that ends": (400, BODY + b"Content-Length: 9\r\n\r\n{"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_request_is_refused_by_one_answer(fake, name):
    status, text = MALFORMED[name]
    sock = raw_connect(fake.socket)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        sock.sendall(text)
        sock.shutdown(socket.SHUT_WR)
    answer = read_all(sock)
    sock.close()
    assert status_of(answer) == status, answer
    assert problem_of(answer)["status"] == status
    assert answer.count(b"HTTP/1.1 ") == 1 and answer.count(b"Content-Length: ") == 1
    assert b"\r\nConnection: close\r\n" in answer
    fake.get("/v1/host")


def test_pipelined_requests_are_answered_in_order(fake):
    answer = exchange(fake, b"GET /v1/host HTTP/1.1\r\nHost: x\r\n\r\n"
                            b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n"
                            b"GET /v1/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    statuses = [part.split(b" ")[0] for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"200", b"404"]
    assert answer.index(b"kernel") < answer.index(b'"ok"') < answer.index(b"not-found")


def test_one_connection_serves_many_requests(fake):
    connection = UnixConnection(fake.socket)
    for _ in range(20):
        connection.request("GET", "/v1/host")
        answer = connection.getresponse()
        assert answer.status == 200
        answer.read()


def test_a_client_that_leaves_before_the_answer_hurts_no_one(fake):
    for _ in range(50):
        sock = raw_connect(fake.socket)
        sock.sendall(b"GET /v1/host HTTP/1.1\r\nHost: x\r\n\r\n")
        sock.close()
    fake.get("/v1/host")


def test_a_client_that_stops_in_the_middle_is_cut_off(fake):
    began = time.monotonic()
    for text in (b"", b"GET /v1/ho", b"POST /v1/claims HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
                 b"Content-Type: application/json\r\n\r\n{"):
        sock = raw_connect(fake.socket)
        sock.sendall(text)
        read_all(sock)
        sock.close()
    assert time.monotonic() - began < 15


def test_a_slow_client_delays_no_one(fake):
    sock = raw_connect(fake.socket)
    sock.sendall(b"POST /v1/claims HTTP/1.1\r\nHost: x\r\nContent-Length: 29\r\n"
                 b"Content-Type: application/json\r\n\r\n")
    text = json.dumps({"name": "slow", "type": "x"}).encode()
    assert len(text) == 29
    for byte in text[:-1]:
        sock.sendall(bytes([byte]))
        began = time.monotonic()
        fake.get("/v1/health")
        assert time.monotonic() - began < 10
    sock.sendall(text[-1:])
    assert sock.recv(65536).startswith(b"HTTP/1.1 202")


def test_many_clients_at_once_are_all_answered(fake):
    failures = []

    def ask():
        try:
            for _ in range(5):
                fake.get("/v1/host")
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]


def test_the_socket_is_for_owner_and_group_only(fake):
    assert oct(fake.socket.stat().st_mode & 0o777) == "0o660"


def test_a_stale_socket_is_replaced_and_a_live_one_is_not(fake, directory, openapi):
    second = subprocess.run([BUILD / "test/e2e/api_test_server", fake.socket], capture_output=True,
                            text=True, timeout=10)
    assert second.returncode == 4 and "another process serves" in second.stderr
    path = directory / "stale"
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()
    process = subprocess.Popen([BUILD / "test/e2e/api_test_server", path])
    wait_for_socket(path, process)
    stop(process)
    assert not path.exists()


@pytest.fixture
def tcp(directory):
    """The port of a server that serves TCP as well."""
    with open(directory / "log", "w") as log:
        process = subprocess.Popen([BUILD / "test/e2e/api_test_server", directory / "s",
                                    "127.0.0.1:0"], stderr=log)
    wait_for_socket(directory / "s", process)
    yield tcp_port(directory / "log")
    stop(process)


def ask_tcp(port, method, target, body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, target, body=body,
                       headers={key.replace("_", "-"): value for key, value in headers.items()})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def test_tcp_is_served_where_it_is_configured_and_the_log_says_so(tcp, directory):
    status, body = ask_tcp(tcp, "POST", "/v1/claims", json.dumps(CLAIM),
                           Content_Type="application/json")
    assert status == 202 and body["claims"][0]["author"] == "tcp 127.0.0.1"
    said = (directory / "log").read_text()
    assert f"127.0.0.1:{tcp} without authentication" in said


@pytest.mark.parametrize("headers, status", [
    ({}, 403), ({"Cleave_Client": "1"}, 200), ({"Content_Type": "application/json"}, 200),
    ({"Content_Type": "application/x-www-form-urlencoded"}, 403),
    ({"Content_Type": "text/plain"}, 403), ({"Content_Type": "multipart/form-data; boundary=x"}, 403),
    ({"Cleave_Client": "1", "Host": "evil.example"}, 403),
    ({"Cleave_Client": "1", "Host": "127.0.0.1.evil.example"}, 403),
    ({"Cleave_Client": "1", "Origin": "http://evil.example"}, 403),
    ({"Cleave_Client": "1", "Origin": "null"}, 403),
    ({"Cleave_Client": "1", "Sec_Fetch_Site": "cross-site"}, 403),
    ({"Cleave_Client": "1", "Sec_Fetch_Site": "same-site"}, 403),
    ({"Cleave_Client": "1", "Sec_Fetch_Site": "none"}, 200),
    ({"Cleave_Client": "1", "Host": "localhost", "Origin": "http://localhost"}, 200),
], ids=str)
def test_a_web_page_cannot_change_anything_over_tcp(tcp, headers, status):
    got, body = ask_tcp(tcp, "POST", "/v1/gc?dryRun=true", **headers)
    assert got == status, body
    assert status == 200 or (body["reason"] == "permission-denied" and body["hint"])


def test_a_rebound_name_reads_nothing_over_tcp(tcp):
    assert ask_tcp(tcp, "GET", "/v1/host", Host="evil.example")[0] == 403
    assert ask_tcp(tcp, "GET", "/v1/host")[0] == 200


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:80", "[::ffff:127.0.0.1]:0"])
def test_tcp_off_loopback_is_refused(directory, address):
    done = subprocess.run([BUILD / "test/e2e/api_test_server", directory / "s", address],
                          capture_output=True, text=True, timeout=10)
    assert done.returncode == 10 and "access control" in done.stderr


def test_the_daemon_stops_while_requests_wait(fake):
    socks = [raw_connect(fake.socket) for _ in range(20)]
    for sock in socks:
        sock.sendall(b"GET /v1/host HTTP/1.1\r\nHost: x\r\n\r\n")
    fake.process.terminate()
    assert fake.process.wait(timeout=10) == 0
