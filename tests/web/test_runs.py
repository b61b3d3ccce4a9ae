"""`harness serve`: pages on loopback that follow the runs, and reports that can do no harm."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.run_folders import make_run
from harness.errors import UsageError
from harness.record import record
from harness.reporting.pages import script_hash, surroundings
from harness.web.loopback import LOOPBACK
from harness.web.runs import LARGEST_REPORT, RunWatcher, keep_looking, make_server
from tests.browsing import chromium, quiet_page

EVIL = """<!DOCTYPE html><title>evil</title><p id="p">text</p>
<script>document.getElementById("p").textContent = "it ran";</script>
<img src="http://203.0.113.1/x.png" onerror="document.title = 'it ran'">"""


class Served:
    """A server with its runs, and what it answers."""

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self.watched = RunWatcher([runs])
        self.server = make_server(self.watched, 0)
        self.port = self.server.server_address[1]
        self.stop = threading.Event()
        for work, arguments in ((self.server.serve_forever, (0.02,)), (self._look, ())):
            threading.Thread(target=work, args=arguments, daemon=True).start()

    def _look(self) -> None:
        keep_looking(self.watched, self.stop, every=0.1)

    def get(self, path: str, host: str = "", method: str = "GET") -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=20)
        connection.request(method, path, headers={"Host": host or f"{LOOPBACK}:{self.port}"})
        return connection.getresponse()

    def text(self, path: str) -> str:
        answer = self.get(path)
        assert answer.status == 200, answer.status
        return answer.read().decode()

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    runs = tmp_path / "runs"
    make_run(runs / "a", algorithm="first")
    found = Served(runs)
    yield found
    found.stop.set()
    found.server.shutdown()
    found.server.server_close()


def wait_until(holds: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


def test_the_pages_and_files_of_the_leaderboard_are_served(served: Served) -> None:
    overview = served.text("/")
    assert "first" in overview
    assert overview == served.text("/index.html")
    board = next(
        part.split('"')[0] for part in overview.split('href="') if part.startswith("board-")
    )
    assert "runs/" in served.text(f"/{board}")
    assert served.get("/leaderboard.csv").getheader("Content-Type") == "text/csv; charset=utf-8"
    assert served.get("/leaderboard.json").status == 200
    head = served.get("/", method="HEAD")
    assert head.status == 200
    assert head.read() == b""


def test_only_this_machine_can_ask(served: Served) -> None:
    assert served.server.server_address[0] == "127.0.0.1"
    assert served.get("/", host="localhost").status == 200
    # A name elsewhere that was made to lead to this machine (DNS rebinding).
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "192.168.0.1"):
        assert served.get("/", host=host).status == 403


@pytest.mark.parametrize(
    "path",
    [
        "/../runs/a/manifest.json",
        "/runs/../../etc/passwd/report.html",
        "/runs/a/report.html",
        "/runs/%2e%2e/report.html",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/nothing.html",
        "/runs/a/manifest.json",
        "/runs/a/..%2f..%2fmanifest.json",
        "/..%5c..%5cruns%5ca%5cmanifest.json",
        "/%252e%252e/%252e%252e/etc/passwd",
        "/..%c0%af..%c0%afetc/passwd",
        "/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd",
        "/....//....//etc/passwd",
        "/..;/..;/etc/passwd",
        "/index.html%00.json",
        "/file:///etc/passwd",
        "/index.html/../../etc/passwd",
    ],
)
def test_nothing_else_of_the_disk_can_be_had(served: Served, path: str) -> None:
    assert served.get(path).status == 404


def identity(folder: Path) -> str:
    return str(json.loads((folder / record.MANIFEST).read_bytes())["identity"])[:12]


def test_a_report_is_sent_with_a_policy_that_runs_none_but_our_script(served: Served) -> None:
    (served.runs / "a" / record.REPORT).write_text(EVIL)
    answer = served.get(f"/runs/{identity(served.runs / 'a')}/report.html")
    assert answer.status == 200
    policy = str(answer.getheader("Content-Security-Policy"))
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "allow-same-origin" not in policy
    assert script_hash(surroundings()["script"]) in policy, (
        "the script of the reports that we write"
    )
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
    assert answer.getheader("X-Content-Type-Options") == "nosniff"


@pytest.mark.parametrize("what", ["link", "link to a link", "pipe", "folder", "too large"])
def test_only_a_report_that_is_a_file_of_the_run_is_sent(
    served: Served, tmp_path: Path, what: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    report = served.runs / "a" / record.REPORT
    report.unlink()
    if what == "link":
        report.symlink_to(secret)
    elif what == "link to a link":
        (tmp_path / "between").symlink_to(secret)
        report.symlink_to(tmp_path / "between")
    elif what == "pipe":
        os.mkfifo(report)
    elif what == "folder":
        report.mkdir()
    else:
        with report.open("wb") as file:
            file.truncate(LARGEST_REPORT + 1)
    assert served.get(f"/runs/{identity(served.runs / 'a')}/report.html").status == 404


def test_whatever_goes_wrong_with_a_folder_the_pages_of_before_stay(
    served: Served, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    before = served.text("/")

    def fail(*words: object) -> None:
        raise ValueError("a folder that no reader foresaw")

    monkeypatch.setattr("harness.web.runs.assembled", fail)
    make_run(served.runs / "b", algorithm="second")
    said = ""

    def told() -> bool:
        nonlocal said
        said += capfd.readouterr().err
        return "no reader foresaw" in said

    wait_until(told)
    assert served.text("/") == before
    time.sleep(0.5)
    assert (said + capfd.readouterr().err).count("the pages stay as they are") == 1
    monkeypatch.undo()
    wait_until(lambda: "second" in served.text("/"))


@pytest.mark.parametrize(
    "name",
    ["<img src=x onerror=alert(1)>", "\"'><script>alert(1)</script>", "a\u202eb\u2066c", "a\nb"],
)
def test_names_of_strangers_show_as_text_on_pages_that_are_served(
    served: Served, name: str
) -> None:
    before = served.watched.state
    make_run(served.runs / "b", algorithm=name, words=name, title=name)
    wait_until(lambda: served.watched.state != before)
    pages = [served.text("/"), *(served.text(f"/{link}") for link in links(served.text("/")))]
    assert len(pages) >= 3
    for page in pages:
        assert "<img" not in page
        assert page.count("<script>") == 1
        assert not set("\u202e\u2066") & set(page)


def links(page: str) -> set[str]:
    found = re.findall(r'href="((?:board|algorithm)-[^"#]*)', page)
    return set(found)


def test_pages_follow_runs_that_come_go_and_go_on(served: Served) -> None:
    make_run(served.runs / "b", algorithm="second")
    wait_until(lambda: "second" in served.text("/"))
    (served.runs / "b" / record.CHECKSUMS).unlink()
    wait_until(lambda: "unfinished" in served.text("/"))
    shutil.rmtree(served.runs / "b")
    wait_until(lambda: "unfinished" not in served.text("/"))
    assert not served.watched.look(), "nothing changed, so nothing is built again"


def test_readers_are_told_of_every_change_at_once(served: Served) -> None:
    answer = served.get("/changes")
    assert answer.getheader("Content-Type") == "text/event-stream"
    first = answer.readline()
    assert first.startswith(b"data: ")
    answer.readline()
    make_run(served.runs / "b", algorithm="second")
    second = answer.readline()
    assert second.startswith(b"data: ")
    assert second != first


def test_a_port_that_is_taken_is_refused_with_what_to_do(served: Served) -> None:
    with pytest.raises(UsageError, match=r"port \d+ of 127.0.0.1 cannot be had.*--port"):
        make_server(served.watched, served.port)


def test_the_command_says_where_it_is_and_ends_when_told(tmp_path: Path) -> None:
    make_run(tmp_path / "runs" / "a")
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", "serve", str(tmp_path / "runs"), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:")
        port = int(address.rstrip("/").rsplit(":", 1)[1])
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=20)
        connection.request("GET", "/")
        assert connection.getresponse().status == 200
        process.send_signal(2)  # Ctrl+C
        _, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0
    assert err.endswith("ended\n")
    assert "Traceback" not in err


@pytest.mark.slow
def test_an_open_page_reloads_itself_and_a_foreign_script_stays_still(served: Served) -> None:
    with chromium() as browser:
        with quiet_page(browser) as page:
            page.goto(served.address)
            assert page.locator("tbody.entries tr").count() == 1
            make_run(served.runs / "b", algorithm="second")
            page.locator("tbody.entries tr").nth(1).wait_for()
        (served.runs / "a" / record.REPORT).write_text(EVIL)
        page = browser.new_page()
        page.goto(f"{served.address}/runs/{identity(served.runs / 'a')}/report.html")
        assert page.locator("#p").inner_text() == "text"
        assert page.title() == "evil"
