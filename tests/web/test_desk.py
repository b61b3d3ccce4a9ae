"""Who may ask the annotation page, and what it answers, asked without a browser."""

from __future__ import annotations

import http.client
import io
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import PIL.Image
import pytest

from harness.data import further_formats
from harness.data.readers.manifest import read_manifest
from harness.errors import UsageError
from harness.web.desk import AnnotationServer, Change
from harness.web.pictures import LONG_SIDE, found_in
from harness.web.table import discard_parts
from tests.conftest import run_harness
from tests.data.sets import lines, picture
from tests.data.test_further_formats import PICTURES


class Client:
    """Asks a desk; headers are those that the test gives."""

    def __init__(self, desk: AnnotationServer) -> None:
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
    desk = AnnotationServer(folder)
    thread = threading.Thread(target=desk.serve_forever, args=(0.02,))
    thread.start()
    yield Client(desk)
    desk.shutdown()
    desk.server_close()
    thread.join()


MARK = {"key": "k", "box": [1, 1, 5, 4], "cells": {"tattoo": "t"}}
CHANGE = {"load": 1, "revision": 1, "images": {"0": [MARK]}}


def test_it_listens_to_this_machine_only(client: Client) -> None:
    assert client.desk.server_address[0] == "127.0.0.1"
    assert client.desk.address.startswith("http://127.0.0.1:")
    assert len(client.desk.token) >= 32


def test_a_change_is_in_the_manifest_when_it_is_answered(client: Client, folder: Path) -> None:
    assert client.state()["revision"] == 1
    status, answer, _ = client.ask("change", body=CHANGE)
    said = {"revision": 2, "names": {"k": "a.png"}, "images": {}}
    assert (status, json.loads(answer)) == (200, said)
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
    assert client.ask("change", body=CHANGE, token=token, **headers)[0] == 403
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
        {"load": 1, "revision": 1},
        {"revision": 1, "images": {}},
        b'{"load": 1, "revision": 1, "images": ' + b"[" * 100_000,
        {**CHANGE, "images": {"0": [{"key": "k", "file": "/etc/passwd"}]}},
        {**CHANGE, "images": {"7": []}},
        {**CHANGE, "images": {"-1": []}},
        {**CHANGE, "images": {"0": [{"key": "k", "box": [1, 2, 3]}]}},
        {**CHANGE, "images": {"0": [{"key": "k", "cells": {"mask": "/etc/passwd"}}]}},
        {**CHANGE, "images": {"0": [{"key": "k", "cells": {"x_own": "a column that is not"}}]}},
        {**CHANGE, "images": {"0": [{"key": "k", "cells": {"media": "fresco"}}]}},
        {**CHANGE, "images": {"0": [{"key": "k", "cells": {"text_score": "high"}}]}},
        {**CHANGE, "images": {"0": [{"key": "k", "cells": {"tags": "[rose"}}]}},
    ],
)
def test_a_change_that_is_none_is_refused_with_its_reason(
    client: Client, folder: Path, body: Any
) -> None:
    status, said, _ = client.ask("change", body=body)
    assert status == 422
    assert said
    assert not (folder / "manifest.csv").exists()


def change(number: int, tattoo: str, *, revision: int, load: int = 1) -> dict[str, Any]:
    mark = {"key": "k", "box": [0, 0, 2, 2], "cells": {"tattoo": tattoo}}
    return {"load": load, "revision": revision, "images": {number: [mark]}}


def test_two_people_on_different_images_both_go_on_and_hear_of_each_other(
    client: Client, folder: Path
) -> None:
    one = two = client.state()["revision"]
    status, said, _ = client.ask("change", body=change(0, "anna", revision=one))
    assert (status, json.loads(said)["images"]) == (200, {})
    status, said, _ = client.ask("change", body=change(1, "ben", revision=two))
    assert status == 200
    heard = json.loads(said)["images"]
    assert {n: [m["cells"]["tattoo"] for m in some] for n, some in heard.items()} == {"0": ["anna"]}
    news = json.loads(client.ask(f"news?v=1&since={one + 1}")[1])
    assert list(news["images"]) == ["1"]
    data = read_manifest(folder / "manifest.csv")
    assert {r.tattoo for r in data.records.values()} == {"anna", "ben"}


@pytest.mark.parametrize("order", [(0, 0), (1, 1)])
def test_of_two_people_on_one_image_the_second_is_asked_and_writes_nothing(
    client: Client, folder: Path, order: tuple[int, int]
) -> None:
    revision = client.state()["revision"]
    assert client.ask("change", body=change(order[0], "anna", revision=revision))[0] == 200
    before = (folder / "manifest.csv").read_bytes()
    status, said, _ = client.ask("change", body=change(order[1], "ben", revision=revision))
    assert (status, json.loads(said)["images"]) == (409, [order[1]])
    assert (folder / "manifest.csv").read_bytes() == before
    # Having seen it, the second may put theirs in its place.
    assert client.ask("change", body=change(order[1], "ben", revision=revision + 1))[0] == 200


def test_two_people_who_change_a_hundred_images_at_once_lose_none(tmp_path: Path) -> None:
    place = tmp_path / "set"
    for number in range(100):
        picture(place / f"{number:03}.png")
    server = AnnotationServer(place)
    refused = []

    def work(images: range) -> None:
        revision = 1
        for number in images:
            asked = msgspec.convert(change(number, f"t{number}", revision=revision), Change)
            try:
                revision = server.change(asked)["revision"]
            except Exception as fault:
                refused.append(fault)

    people = [threading.Thread(target=work, args=(range(n, 100, 2),)) for n in (0, 1)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    server.server_close()
    assert refused == []
    data = read_manifest(place / "manifest.csv")
    found = {name: record.tattoo for name, record in data.records.items()}
    assert found == {f"{number:03}.png": f"t{number}" for number in range(100)}


def outside(folder: Path, how: str) -> None:
    manifest = folder / "manifest.csv"
    if how == "edited":
        manifest.write_text("image,tattoo\na.png,by hand\n")
    elif how == "replaced":
        other = folder / "other.csv"
        other.write_text("image,tattoo\nin/b.jpg,by a program\n")
        other.replace(manifest)
    elif how == "deleted":
        manifest.unlink()
    else:
        manifest.write_text("image;tattoo\na.png;semicolons\n")


@pytest.mark.parametrize("how", ["edited", "replaced", "deleted", "another separator"])
def test_a_manifest_changed_outside_is_noticed_kept_and_read_anew(
    client: Client, folder: Path, how: str
) -> None:
    client.ask("change", body=change(0, "mine", revision=client.state()["revision"]))
    outside(folder, how)
    now = (folder / "manifest.csv").read_bytes() if how != "deleted" else None
    status, said, _ = client.ask("news?v=1&since=2")
    assert status == 409
    assert "another program" in json.loads(said)["reason"]
    status, said, _ = client.ask("change", body=change(1, "more", revision=2))
    assert status == 409
    assert "another program" in json.loads(said)["reason"]
    assert ((folder / "manifest.csv").read_bytes() if now is not None else None) == now
    again = client.state()
    assert again["load"] == 2
    told = {m["cells"].get("tattoo") for image in again["images"] for m in image["marks"]}
    assert told == {"edited": {"by hand"}, "replaced": {"by a program"}, "deleted": set()}.get(
        how, {"semicolons"}
    )
    status, _, _ = client.ask("change", body=change(1, "more", revision=again["revision"], load=2))
    assert status == 200


@pytest.mark.parametrize(
    "content", ["image,tatoo\na.png,t\n", "image,box\na.png,1 2\n", "image\n../../a.png\n", "\xff"]
)
def test_a_manifest_that_became_unsound_is_said_and_not_written_over(
    client: Client, folder: Path, content: str
) -> None:
    client.ask("change", body=change(0, "mine", revision=client.state()["revision"]))
    (folder / "manifest.csv").write_bytes(content.encode("latin-1"))
    status, said, _ = client.ask("state")
    assert status == 422
    assert b"not sound" in said
    assert client.ask("change", body=change(1, "more", revision=2))[0] == 409
    assert (folder / "manifest.csv").read_bytes() == content.encode("latin-1")


def test_numbers_of_images_hold_for_a_page_until_it_is_told_that_they_do_not(
    client: Client, folder: Path
) -> None:
    assert [image["file"] for image in client.state()["images"]] == ["a.png", "in/b.jpg"]
    picture(folder / "0.png")
    assert client.ask("image/0?v=1")[0] == 200
    assert [image["file"] for image in client.state()["images"]] == ["0.png", "a.png", "in/b.jpg"]
    for path in ("image/0?v=1", "part/0?v=1", "news?v=1&since=1"):
        assert client.ask(path)[0] == 409
    assert client.ask("change", body=change(0, "t", revision=2))[0] == 409
    assert client.ask("image/0?v=2")[0] == 200


def test_a_disk_that_is_full_is_said_and_the_same_change_works_later(
    client: Client, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.web.table.os.fsync", full)
    body = change(0, "t", revision=client.state()["revision"])
    status, said, _ = client.ask("change", body=body)
    assert status == 503
    assert b"No space left" in said
    assert sorted(path.name for path in folder.iterdir()) == ["a.png", "in"]
    monkeypatch.undo()
    assert client.ask("change", body=body)[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        *(
            "image/2",
            "image/-1",
            "image/0/../1",
            "image/%D9%A3",
            "part/%30",
            "image/1e0",
            "image/%200",
        ),
        *("../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/etc/passwd", "image/..%2f..%2fetc"),
        *("..%5c..%5cetc", "%252e%252e%252fetc", "..%c0%afetc", "....//etc", "..;/etc", "//etc"),
        *("manifest.csv", "a.png", "in/b.jpg", "annotate.html", "annotate.js/", "annotate.js%00"),
    ],
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
    part = PIL.Image.open(io.BytesIO(client.ask("part/0?box=10,20,110,70&side=360")[1]))
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
    desk = AnnotationServer(place)
    desk.server_close()
    assert desk.images == ["a.png", "gone.png"]
    assert any("link.png" in note and "symbolic link" in note for note in desk.notes)
    assert any("spaced.png" in note for note in desk.notes)


def test_a_folder_without_images_and_a_taken_port_are_said(tmp_path: Path, client: Client) -> None:
    with pytest.raises(UsageError, match="no image"):
        AnnotationServer(_empty(tmp_path))
    with pytest.raises(UsageError, match="cannot be had"):
        AnnotationServer(client.desk.folder, client.port)
    with pytest.raises(UsageError, match="no folder"):
        found_in(tmp_path / "nowhere")


def _empty(tmp_path: Path) -> Path:
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


SAVING = """
import sys
from pathlib import Path
import msgspec
from harness.web.desk import AnnotationServer, Change
server = AnnotationServer(Path(sys.argv[1]))
print("ready", flush=True)
for turn in range(1_000_000):
    mark = {"key": "k", "name": "a.png", "cells": {"tattoo": f"t{turn}", "skin": "x" * 900}}
    if not server.revision > 1:
        del mark["name"]
    change = {"load": 1, "revision": server.revision, "images": {0: [mark]}}
    server.change(msgspec.convert(change, Change))
    print(turn, flush=True)
"""


def test_a_command_killed_while_it_saves_leaves_what_it_said_was_saved(folder: Path) -> None:
    for pause in (0.01, 0.03, 0.06, 0.1, 0.15):
        process = subprocess.Popen(
            [sys.executable, "-c", SAVING, str(folder)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.readline()
        time.sleep(pause)
        process.kill()
        said = process.stdout.read().split()
        process.wait()
        data = read_manifest(folder / "manifest.csv")
        assert data.problems == ()
        last = int(str(data.records["a.png"].tattoo)[1:])
        assert last >= int(said[-1] if said else 0)
        discard_parts(folder)
        assert [p.name for p in folder.glob(".*")] == []
        (folder / "manifest.csv").unlink()


@pytest.mark.parametrize("target", ["secret.txt", "nothing", "set"])
def test_a_lock_that_is_a_link_is_refused_before_it_is_opened(
    folder: Path, tmp_path: Path, target: str
) -> None:
    (tmp_path / "secret.txt").write_text("mine")
    (folder / ".annotate.lock").symlink_to(tmp_path / target)
    ran = run_harness("annotate", folder)
    assert ran.code == 2
    assert "is a link" in ran.err
    assert (tmp_path / "secret.txt").read_text() == "mine"
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("suffix", [".heic", ".avif"])
@pytest.mark.parametrize("read_here", [True, False])
def test_pictures_of_phones_are_annotated_where_they_can_be_read_and_counted_elsewhere(
    folder: Path, suffix: str, read_here: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = further_formats.SUFFIXES[suffix]
    if not read_here:
        monkeypatch.setattr(further_formats, "reader_of", lambda form: None)
    elif further_formats.reader_of(form) is None:
        pytest.skip(f"{form} is not read here")
    path = folder / f"IMG_1{suffix.upper()}"
    if suffix == ".heic":
        shutil.copy(PICTURES / "plain.heic", path)
    elif read_here:
        PIL.Image.new("RGB", (32, 16)).save(path, "AVIF")
    else:
        path.write_bytes(b"whatever it holds")
    desk = AnnotationServer(folder)
    desk.server_close()
    assert (path.name in desk.images) == read_here
    if read_here:
        shown = desk.pictures.whole(desk.images.index(path.name))
        assert (shown.width, shown.height) == (32, 16)
    else:
        (note,) = desk.notes
        assert f"skipped 1 picture with the ending {suffix}" in note
        assert "pip install" in note


@pytest.mark.parametrize(("name", "advice"), [("a.CR2", "save them as"), ("b.svg", "save them as")])
def test_pictures_that_nothing_here_reads_are_counted(folder: Path, name: str, advice: str) -> None:
    (folder / name).write_bytes(b"x")
    (folder / "notes.txt").write_bytes(b"x")
    desk = AnnotationServer(folder)
    desk.server_close()
    (note,) = desk.notes
    assert advice in note
