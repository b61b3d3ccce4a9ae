"""Prompts from a language model behind an OpenAI-compatible address (``/chat/completions``)."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPMessage
from typing import IO, Any
from urllib.parse import urlsplit

import msgspec

from harness.errors import HarnessError, UsageError
from harness.synthesis.grammar import Grammar, Prompt

__all__ = ["Endpoint", "PromptsFailed", "ask_for_prompts"]

AT_ONCE = 25
"""Prompts asked for in one request; models lose count of more."""

LARGEST = 4 << 20
"""Bytes of an answer."""

LONGEST = 1000
"""Characters of a prompt."""


class PromptsFailed(HarnessError):
    """A language model that gave no usable prompts."""

    exit_code = 3


@dataclass(frozen=True)
class Endpoint:
    """Where a language model answers.

    Parameters
    ----------
    url
        The part before ``/chat/completions``, such as ``https://api.openai.com/v1``.
    model
        Its name.
    key
        Sent as a bearer token; never printed nor recorded.
    timeout
        In seconds, of one request.
    """

    url: str
    model: str
    key: str = field(default="", repr=False)
    timeout: float = 120.0

    def check(self) -> None:
        """Refuse addresses that are none, and those that would show the key to a network.

        Raises
        ------
        UsageError
            Saying what is wrong.
        """
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"{self.url!r} is not an http or https address")
        if parts.username or parts.password or parts.query:
            raise UsageError("the address of a model must hold no key; give it by the environment")
        here = parts.hostname in ("localhost", "127.0.0.1", "::1")
        if self.key and parts.scheme == "http" and not here:
            raise UsageError(f"{self.url} is not https: the key would cross the network in clear")


class _Written(msgspec.Struct):
    prompt: str
    motif: str
    style: str
    placement: str


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirection could carry the key to another host."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        return None


def ask_for_prompts(
    endpoint: Endpoint,
    grammar: Grammar,
    number: int,
    seed: int,
    say: Callable[[int], None] | None = None,
) -> list[Prompt]:
    """Ask a language model for prompts within the grammar.

    Its answers are held to the grammar: a prompt whose motif, style or placement is not in it, or
    that was there already, is left out and another asked for. Whether the same seed gives the same
    prompts is up to the model, so keep them.

    Parameters
    ----------
    endpoint
        Where to ask.
    grammar
        Its lists; the template is shown as an example.
    number
        How many.
    seed
        Sent along.
    say
        Called with the number of prompts there are.

    Raises
    ------
    PromptsFailed
        If there is no answer, or three in a row hold no usable prompt.
    UsageError
        If the address is none.
    """
    endpoint.check()
    grammar.check()
    found: dict[str, Prompt] = {}
    idle = turn = 0
    while len(found) < number:
        wanted = min(AT_ONCE, number - len(found))
        texts = [prompt.text for prompt in found.values()]
        answer = _asked(endpoint, _messages(grammar, wanted, texts[-AT_ONCE:]), seed + turn)
        turn += 1
        before = len(found)
        for prompt in _usable(answer, grammar):
            if len(found) < number:
                found.setdefault(prompt.text.casefold(), prompt)
        idle = idle + 1 if len(found) == before else 0
        if idle == 3:
            raise PromptsFailed(
                f"{endpoint.model} gave no usable prompt three times; its last answer began: "
                f"{answer[:200]!r}"
            )
        if say is not None:
            say(len(found))
    return list(found.values())


def _messages(grammar: Grammar, number: int, before: Sequence[str]) -> list[dict[str, str]]:
    example = grammar.template.format(
        motif=grammar.motifs[0],
        style=grammar.styles[0],
        placement=grammar.placements[0],
        manner=grammar.manners[0],
        mood=grammar.moods[0],
    )
    rules = (
        "You write prompts for an image generator that makes photographs of tattoos. Answer with "
        'JSON alone: {"prompts": [{"prompt": ..., "motif": ..., "style": ..., "placement": ...}]}. '
        "Take motif, style and placement from these lists, spelt as they are.\n"
        f"motif: {', '.join(grammar.motifs)}\nstyle: {', '.join(grammar.styles)}\n"
        f"placement: {', '.join(grammar.placements)}\n"
        f"Every prompt is one English sentence of at most 60 words, such as: {example}"
    )
    ask = f"Write {number} prompts for tattoos that have nothing in common."
    if before:
        ask += " None like these:\n" + "\n".join(before)
    return [{"role": "system", "content": rules}, {"role": "user", "content": ask}]


def _asked(endpoint: Endpoint, messages: list[dict[str, str]], seed: int) -> str:
    body = {
        "model": endpoint.model,
        "messages": messages,
        "temperature": 1.0,
        "seed": seed,
        "response_format": {"type": "json_object"},
    }
    headers = {"Content-Type": "application/json"}
    if endpoint.key:
        headers["Authorization"] = f"Bearer {endpoint.key}"
    url = endpoint.url.rstrip("/") + "/chat/completions"
    # The address was checked to be http or https.
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=endpoint.timeout) as answer:
            raw = answer.read(LARGEST + 1)
    except urllib.error.HTTPError as fault:
        said = fault.read(300).decode(errors="replace").strip()
        raise PromptsFailed(f"{url} answered {fault.code} {fault.reason}: {said}") from None
    except (OSError, HTTPException) as fault:
        raise PromptsFailed(f"{url} does not answer: {fault}") from None
    if len(raw) > LARGEST:
        raise PromptsFailed(f"{url} answered with more than {LARGEST >> 20} MB")
    try:
        content: Any = json.loads(raw)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError):
        content = None
    if not isinstance(content, str):
        raise PromptsFailed(f"{url} answered with something that is no chat completion")
    return content


def _usable(answer: str, grammar: Grammar) -> list[Prompt]:
    """Return the prompts of an answer that keep to the grammar."""
    start, end = answer.find("{"), answer.rfind("}")  # some models put JSON into a code fence
    try:
        listed = json.loads(answer[start : end + 1])["prompts"]
    except (ValueError, LookupError, TypeError):
        return []
    prompts = []
    for one in listed if isinstance(listed, list) else []:
        try:
            written = msgspec.convert(one, _Written)
        except msgspec.ValidationError:
            continue
        text = " ".join(written.prompt.split())
        known = (
            written.motif in grammar.motifs
            and written.style in grammar.styles
            and written.placement in grammar.placements
        )
        if known and 0 < len(text) <= LONGEST and text.isprintable():
            prompts.append(Prompt(text, written.motif, written.style, written.placement))
    return prompts
