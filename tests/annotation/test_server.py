"""Who may ask the annotation page, and what it answers, asked without a browser."""

from __future__ import annotations

import http.client
import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from harness.annotation.pictures import LONG_SIDE, found_in
from harness.annotation.server import Desk, open_desk
from harness.data.manifest import read_manifest
from harness.errors import UsageError
from tests.data.sets import lines, picture


class Client:
    """Asks a desk; headers are those that the test gives."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.port = int(desk.server_address[1])
        self.host = f"127.0.0.1:{self.port}"

    def ask(
        self, path: str, *, body: Any = None, token: str | None = None, **headers: str
    ) -> tuple[int, bytes, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        given = {k.replace("_", "-"): v for k, v in headers.items()}
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            given = {"Content-Type": "application/json", "Origin": f"http://{self.host}", **given}
        given = {k: v for k, v in {"Host": self.host, **given}.items() if v != "-"}
        place = f"/{self.desk.token if token is None else token}/{path}"
        method = "GET" if data is None else "POST"
        connection.putrequest(method, place, skip_host=True)
        for name, value in given.items():
            connection.putheader(name, value)
        if data is not None:
            connection.putheader("Content-Length", str(len(data)))
        connection.endheaders(data)
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())

    def state(self) -> Any:
        return json.loads(self.ask("state")[1])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "set"
    picture(place / "a.png")
    picture(place / "in" / "b.jpg")
    return place


@pytest.fixture
def client(folder: Path) -> Iterator[Client]:
    desk = open_desk(folder)
    thread = threading.Thread(target=desk.serve_forever, args=(0.02,))
    thread.start()
    yield Client(desk)
    desk.shutdown()
    desk.server_close()
    thread.join()


CHANGE = {"revision": 1, "images": {"0": [{"key": "k", "box": [1, 1, 5, 4], "tattoo": "t"}]}}


def test_it_listens_to_this_machine_only(client: Client) -> None:
    assert client.desk.server_address[0] == "127.0.0.1"
    assert client.desk.address.startswith("http://127.0.0.1:")
    assert len(client.desk.token) >= 32


def test_a_change_is_in_the_manifest_when_it_is_answered(client: Client, folder: Path) -> None:
    assert client.state()["revision"] == 2
    status, answer, _ = client.ask("change", body={**CHANGE, "revision": 2})
    assert (status, json.loads(answer)) == (200, {"revision": 3, "names": {"k": "a.png"}})
    record = read_manifest(folder / "manifest.csv").records["a.png"]
    assert (record.box, record.tattoo) == ((1, 1, 5, 4), "t")


@pytest.mark.parametrize(
    ("token", "headers"),
    [
        ("", {}),
        ("wrong", {}),
        (None, {"Host": "tattoos.example"}),
        (None, {"Host": "127.0.0.1.example:80"}),
        (None, {"Host": "-"}),
        (None, {"Origin": "http://evil.example"}),
        (None, {"Origin": "null"}),
        (None, {"Sec_Fetch_Site": "cross-site"}),
        (None, {"Sec_Fetch_Site": "same-site"}),
    ],
)
def test_neither_strangers_names_nor_strangers_pages_are_answered(
    client: Client, folder: Path, token: str | None, headers: dict[str, str]
) -> None:
    for path in ("", "state", "image/0", "part/0"):
        status, body, _ = client.ask(path, token=token, **headers)
        assert status == 403
        assert b"a.png" not in body
    client.state()
    body_of = {**CHANGE, "revision": client.desk.table.revision}
    assert client.ask("change", body=body_of, token=token, **headers)[0] == 403
    assert not (folder / "manifest.csv").exists()


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Content_Type": "text/plain"}, 415), ({"Origin": "-"}, 403)],
)
def test_a_change_that_another_page_s_form_could_send_is_refused(
    client: Client, folder: Path, headers: dict[str, str], status: int
) -> None:
    assert client.ask("change", body=CHANGE, **headers)[0] == status
    assert not (folder / "manifest.csv").exists()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"\xff\xfe",
        b"[]",
        {"revision": 1},
        {"revision": 1, "images": {"0": [{"key": "k", "file": "/etc/passwd"}]}},
        {"revision": 1, "images": {"7": []}},
        {"revision": 1, "images": {"-1": []}},
        {"revision": 1, "images": {"0": [{"key": "k", "box": [1, 2, 3]}]}},
    ],
)
def test_a_change_that_is_none_is_refused_with_its_reason(
    client: Client, folder: Path, body: Any
) -> None:
    status, said, _ = client.ask("change", body=body)
    assert status == 422
    assert said
    assert not (folder / "manifest.csv").exists()


def test_a_page_that_knows_an_older_state_writes_nothing(client: Client, folder: Path) -> None:
    client.state()
    client.state()  # another page has been opened since
    status, said, _ = client.ask("change", body={**CHANGE, "revision": 2})
    assert status == 409
    assert b"load this page again" in said
    assert not (folder / "manifest.csv").exists()


@pytest.mark.parametrize(
    "path", ["image/2", "image/-1", "image/..%2f..%2fetc%2fpasswd", "../etc/passwd", "manifest.csv"]
)
def test_nothing_but_the_images_of_the_folder_is_served(client: Client, path: str) -> None:
    assert client.ask(path)[0] == 404


def test_images_are_served_encoded_anew_and_not_larger_than_a_page_needs(
    client: Client, folder: Path
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 2 * LONG_SIDE, 3), dtype=np.uint8)
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    PIL.Image.fromarray(noise).save(folder / "a.jpg", exif=exif, comment=b"secret")
    assert [image["file"] for image in client.state()["images"]] == ["a.jpg", "a.png", "in/b.jpg"]
    status, body, headers = client.ask("image/0")
    assert status == 200
    assert b"secret" not in body
    assert (headers["X-Image-Width"], headers["X-Image-Height"]) == ("300", str(2 * LONG_SIDE))
    shown = PIL.Image.open(io.BytesIO(body))
    assert shown.format == "JPEG"
    assert shown.size == (150, LONG_SIDE)
    part = PIL.Image.open(io.BytesIO(client.ask("part/0?box=10,20,110,70")[1]))
    assert part.size == (100, 50)


def test_an_image_bomb_and_a_damaged_file_are_refused_with_their_reason(
    client: Client, folder: Path
) -> None:
    (folder / "bomb.pbm").write_bytes(b"P4 60000 60000\n" + bytes(1000))
    (folder / "cut.png").write_bytes((folder / "a.png").read_bytes()[:40])
    files = [image["file"] for image in client.state()["images"]]
    for name, why in (("bomb.pbm", b"megapixels"), ("cut.png", b"damaged")):
        status, said, _ = client.ask(f"image/{files.index(name)}")
        assert status == 422
        assert why in said
        assert str(folder).encode() not in said


def test_pages_may_load_nothing_from_elsewhere_nor_be_framed(client: Client) -> None:
    status, body, headers = client.ask("")
    assert status == 200
    assert b"<title>Annotate" in body
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_links_out_hidden_files_and_masks_are_no_images_to_annotate(tmp_path: Path) -> None:
    place = tmp_path / "set"
    for name in ("a.png", ".hidden.png", ".cache/b.png", "m.png"):
        picture(place / name)
    (place / "link.png").symlink_to(picture(tmp_path / "secret.png"))
    picture(place / " spaced.png")
    lines(place / "manifest.csv", ["image,mask,tattoo", "a.png,m.png,t", "gone.png,,u"])
    desk = open_desk(place)
    desk.server_close()
    assert desk.images == ["a.png", "gone.png"]
    assert any("link.png" in note and "symbolic link" in note for note in desk.notes)
    assert any("spaced.png" in note for note in desk.notes)


def test_a_folder_without_images_and_a_taken_port_are_said(tmp_path: Path, client: Client) -> None:
    with pytest.raises(UsageError, match="no image"):
        open_desk(_empty(tmp_path))
    with pytest.raises(UsageError, match="cannot be used"):
        open_desk(client.desk.folder, client.port)
    with pytest.raises(UsageError, match="no folder"):
        found_in(tmp_path / "nowhere")


def _empty(tmp_path: Path) -> Path:
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"
