"""Prompts from a language model, which is a server of this test's own."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness.errors import UsageError
from harness.synthesis.chat import Endpoint, PromptsFailed, ask_for_prompts
from harness.synthesis.grammar import Grammar

GRAMMAR = Grammar(motifs=("rose", "skull"), styles=("tribal",), placements=("wrist", "neck"))
Reply = Callable[[int, dict[str, Any]], tuple[int, bytes, dict[str, str]]]


class Model:
    """A fake endpoint; `reply` is set by the test, what was asked is kept."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.reply: Reply = lambda turn, body: (200, b"", {})
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append((self.path, dict(self.headers), body))
                status, data, headers = outer.reply(len(outer.asked), body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *words: Any) -> None:
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def model() -> Iterator[Model]:
    made = Model()
    yield made
    made.server.shutdown()
    made.server.server_close()


def completion(prompts: list[Any], fence: str = "") -> tuple[int, bytes, dict[str, str]]:
    content = fence + json.dumps({"prompts": prompts}) + fence
    return 200, json.dumps({"choices": [{"message": {"content": content}}]}).encode(), {}


def one(text: str, motif: str = "rose", placement: str = "wrist") -> dict[str, str]:
    return {"prompt": text, "motif": motif, "style": "tribal", "placement": placement}


def test_prompts_are_asked_for_with_key_and_grammar_and_come_in_order(model: Model) -> None:
    model.reply = lambda turn, body: completion([one("a  rose"), one("a skull", "skull")])
    prompts = ask_for_prompts(Endpoint(model.url, "m1", "k3y"), GRAMMAR, 2, seed=5)
    assert [(p.text, p.motif) for p in prompts] == [("a rose", "rose"), ("a skull", "skull")]
    path, headers, body = model.asked[0]
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == "Bearer k3y"
    assert (body["model"], body["seed"]) == ("m1", 5)
    assert "motif: rose, skull" in body["messages"][0]["content"]


def test_what_is_not_in_the_grammar_or_was_there_is_left_out_and_asked_for_again(
    model: Model,
) -> None:
    turns: list[list[Any]] = [
        [one("a rose"), one("A Rose"), one("a cat", "cat"), one("x" * 2000), {"prompt": 3}, "text"],
        [one("a second rose", placement="neck")],
    ]
    model.reply = lambda turn, body: completion(turns[turn - 1], fence="```json\n")
    prompts = ask_for_prompts(Endpoint(model.url, "m"), GRAMMAR, 2, seed=0)
    assert [p.text for p in prompts] == ["a rose", "a second rose"]
    assert "Authorization" not in model.asked[0][1]
    assert "a rose" in model.asked[1][2]["messages"][1]["content"]
    assert "Write 1 prompts" in model.asked[1][2]["messages"][1]["content"]


def test_a_model_that_never_gives_a_usable_prompt_is_given_up(model: Model) -> None:
    model.reply = lambda turn, body: completion([one("a cat", "cat")])
    with pytest.raises(PromptsFailed, match="three times"):
        ask_for_prompts(Endpoint(model.url, "m"), GRAMMAR, 1, seed=0)
    assert len(model.asked) == 3


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, b'{"error": "bad key"}', {}), "401.*bad key"),
        ((200, b"<html>", {}), "no chat completion"),
        ((200, b'{"choices": []}', {}), "no chat completion"),
        ((302, b"", {"Location": "http://127.0.0.1:9/steal"}), "302"),
    ],
)
def test_other_answers_say_what_went_wrong_and_never_the_key(
    model: Model, answer: tuple[int, bytes, dict[str, str]], said: str
) -> None:
    model.reply = lambda turn, body: answer
    with pytest.raises(PromptsFailed, match=said) as caught:
        ask_for_prompts(Endpoint(model.url, "m", "s3cret"), GRAMMAR, 1, seed=0)
    assert "s3cret" not in str(caught.value)


def test_nobody_there_is_said() -> None:
    with pytest.raises(PromptsFailed, match="does not answer"):
        ask_for_prompts(Endpoint("http://127.0.0.1:9", "m"), GRAMMAR, 1, seed=0)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("file:///etc/passwd", "not an http"),
        ("models.example/v1", "not an http"),
        ("http://models.example/v1", "cross the network in clear"),
        ("https://user:word@models.example", "hold no key"),
    ],
)
def test_addresses_that_are_none_or_would_show_the_key_are_refused(url: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Endpoint(url, "m", "key").check()
    assert "key" not in repr(Endpoint(url, "m", "key")).replace(url, "")
