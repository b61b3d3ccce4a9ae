"""Fetching small files from untrusted addresses: slowly, and from known hosts only."""

from __future__ import annotations

import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from harness.data.whole_files import write_whole

if TYPE_CHECKING:
    import urllib3

REDIRECTS = 3
PERMANENT = "answered "
"""How the reason of a refusal begins that another attempt would not change."""


class NotFetchedError(Exception):
    """Why a file was not fetched, as a few words.

    Parameters
    ----------
    permanent
        Whether asking again is pointless.
    """

    def __init__(self, reason: str, *, permanent: bool) -> None:
        super().__init__(reason)
        self.permanent = permanent


class Downloads:
    """One polite reader: one request at a time, a pause between them, retries that wait longer.

    Parameters
    ----------
    hosts
        Names that may be asked; their subdomains may be, too. Redirects lead to no other.
    rate
        Requests a second at most.
    largest
        Bytes of a file at most.
    retries
        After no answer, or 429, 500, 502, 503 and 504; ``Retry-After`` is honoured.
    backoff
        Seconds before the second retry; doubled for each one after it.
    timeout
        Seconds to connect, and without a byte.
    """

    def __init__(
        self,
        hosts: tuple[str, ...],
        *,
        rate: float = 4.0,
        largest: int = 20_000_000,
        retries: int = 4,
        backoff: float = 1.0,
        timeout: float = 20.0,
    ) -> None:
        self.hosts, self.largest = tuple(host.lower() for host in hosts), largest
        self._pause = 1 / rate
        self._next = 0.0
        self._retries, self._backoff, self._timeout = retries, backoff, timeout
        self._pool: urllib3.PoolManager | None = None

    def fetch(self, url: str, target: Path) -> None:
        """Write what an address gives to a file, whole or not at all.

        Raises
        ------
        NotFetchedError
            If it is not on one of the hosts, too large, or not given.
        """
        address = urljoin("https://", url) if url.startswith("//") else url
        for _ in range(REDIRECTS + 1):
            self._check(address)
            content, elsewhere = self._ask(address)
            if elsewhere is None:
                write_whole(target, content)
                return
            address = urljoin(address, elsewhere)
        raise NotFetchedError(f"{PERMANENT}more than {REDIRECTS} redirects", permanent=True)

    def _check(self, address: str) -> None:
        try:
            parts = urlsplit(address)
            host = (parts.hostname or "").lower()
        except ValueError:
            raise NotFetchedError("address is not one", permanent=True) from None
        if parts.scheme not in ("http", "https"):
            raise NotFetchedError(
                f"address is neither http nor https ({parts.scheme[:20]!r})", permanent=True
            )
        if not any(host == known or host.endswith(f".{known}") for known in self.hosts):
            raise NotFetchedError(f"host {host[:80]!r} is not among --host", permanent=True)

    def _ask(self, address: str) -> tuple[bytes, str | None]:
        """Return what an address gives, or where it sends us."""
        import urllib3

        time.sleep(max(0.0, self._next - time.monotonic()))
        self._next = time.monotonic() + self._pause
        try:
            answer = self._manager().request(
                "GET", address, preload_content=False, redirect=False, decode_content=False
            )
        except urllib3.exceptions.HTTPError as reason:
            raise NotFetchedError(f"no answer ({type(reason).__name__})", permanent=False) from None
        try:
            elsewhere = answer.get_redirect_location()
            if elsewhere:
                return b"", str(elsewhere)
            if answer.status != 200:
                gone = 400 <= answer.status < 500 and answer.status != 429
                raise NotFetchedError(f"{PERMANENT}{answer.status}", permanent=gone)
            content = answer.read(self.largest + 1)
        except urllib3.exceptions.HTTPError as reason:
            raise NotFetchedError(
                f"broken off ({type(reason).__name__})", permanent=False
            ) from None
        finally:
            answer.close()
        if len(content) > self.largest:
            raise NotFetchedError(f"{PERMANENT}with more than {self.largest} bytes", permanent=True)
        return content, None

    def _manager(self) -> urllib3.PoolManager:
        import urllib3

        if self._pool is None:
            retries = urllib3.Retry(
                self._retries,
                redirect=False,
                status_forcelist=(429, 500, 502, 503, 504),
                backoff_factor=self._backoff,
                raise_on_status=False,
            )
            self._pool = urllib3.PoolManager(
                headers={"User-Agent": user_agent()}, retries=retries, timeout=self._timeout
            )
        return self._pool


def user_agent() -> str:
    """Return the ``User-Agent`` of requests."""
    try:
        return f"tattoo-harness/{version('tattoo-harness')} (research; one request at a time)"
    except PackageNotFoundError:
        return "tattoo-harness (research; one request at a time)"
