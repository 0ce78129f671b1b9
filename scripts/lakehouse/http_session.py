"""HTTP sessions that always time out, follow no redirect, and raise errors that quote neither a URL nor a header."""

import os
import time
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import requests
from requests import PreparedRequest, Response
from requests.auth import HTTPBasicAuth
from requests.exceptions import ChunkedEncodingError, InvalidHeader
from requests.utils import get_auth_from_url

__all__ = ["HttpError", "HttpSession", "InvalidUrl", "Response", "ensure_success", "external_session", "is_success"]

DEFAULT_TIMEOUT_S = 5.0
# A firewall may drop an idle connection silently. The next request on it would then wait for its whole time-out.
KEEP_ALIVE_S = 5.0


class HttpError(Exception):
    """A request without a usable response. Its text quotes no URL and no header, since both may contain a secret."""


class InvalidUrl(HttpError):
    """A URL that no request can be sent to."""


class HttpSession(requests.Session):
    """A session whose requests raise only HttpError.

    `timeout` is the default, in seconds, for the connection and for each read. With `trust_env`, proxies and
    certificates are those of the environment. A connection idle for more than `keep_alive` seconds is not used again.
    """

    def __init__(
        self, *, trust_env: bool, timeout: float = DEFAULT_TIMEOUT_S, keep_alive: float = KEEP_ALIVE_S
    ) -> None:
        super().__init__()
        self.trust_env = trust_env
        self.auth = _add_url_credentials
        # OpenSSL's own variables, which requests does not read.
        self.verify = os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR") or True
        self._timeout, self._keep_alive, self._idle_since = timeout, keep_alive, time.monotonic()

    def request(self, method: str, url: str | bytes, *args: Any, **kwargs: Any) -> Response:
        if time.monotonic() - self._idle_since > self._keep_alive:
            self.close()
        try:
            response = super().request(method, url, *args, **kwargs)
        except (requests.RequestException, OSError, ValueError) as error:
            raise _to_http_error(error) from None
        finally:
            self._idle_since = time.monotonic()
        if "charset" not in response.headers.get("Content-Type", "").lower():
            response.encoding = "utf-8"  # requests would read text as Latin-1, and guess without a Content-Type
        return response

    def merge_environment_settings(self, url: str, proxies: Any, stream: Any, verify: Any, cert: Any) -> dict[str, Any]:
        """Leave the environment's proxy out for an address of this machine, which no proxy reaches."""
        merged = super().merge_environment_settings(url, proxies, stream, verify, cert)
        return {**merged, "proxies": {}} if is_this_machine(url) else merged

    def send(self, request: PreparedRequest, **kwargs: Any) -> Response:
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = self._timeout
        return super().send(request, **kwargs)

    def get_redirect_target(self, resp: Response) -> None:  # noqa: ARG002
        """Return None: what is sent to a configured address goes nowhere else."""
        return


def internal_session(timeout: float = DEFAULT_TIMEOUT_S, *, login: tuple[str, str] | None = None) -> HttpSession:
    """Return a session for services of our own, which no proxy of the environment reaches.

    `login` is a user and a password, for those that ask for it.
    """
    session = HttpSession(trust_env=False, timeout=timeout)
    if login:
        session.auth = HTTPBasicAuth(login[0].encode(), login[1].encode())  # requests would write a text in Latin-1
    return session


def external_session(timeout: float = DEFAULT_TIMEOUT_S) -> HttpSession:
    """Return a session for Slack or Google, through the environment's proxy where there is one."""
    return HttpSession(trust_env=True, timeout=timeout)


def is_this_machine(url: str) -> bool:
    """Return whether the URL's host is a name or an address of this machine alone."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_success(response: Response) -> bool:
    """Return whether the status is 2xx; `response.ok` is true for a redirect too."""
    return 200 <= response.status_code < 300  # noqa: PLR2004


def ensure_success(response: Response) -> Response:
    """Return the response, or raise HttpError for any status but 2xx; `raise_for_status` accepts a redirect."""
    if not is_success(response):
        raise HttpError(f"HTTP {response.status_code}")
    return response


def _add_url_credentials(request: PreparedRequest) -> PreparedRequest:
    """Authenticate by the credentials in the URL, if any. Without an `auth`, requests would use those of ~/.netrc."""
    credentials = get_auth_from_url(request.url or "")
    return HTTPBasicAuth(*credentials)(request) if any(credentials) else request


def _to_http_error(error: Exception) -> HttpError:
    """Return an HttpError that has the name of the error's class as its text."""
    if isinstance(error, ValueError) and not isinstance(error, InvalidHeader):  # a response's header: no fault of ours
        return InvalidUrl(type(error).__name__)
    # These two classes do not say whether a connection was refused, was reset or ended early.
    unspecific = type(error) in {requests.ConnectionError, ChunkedEncodingError}
    return HttpError(type(_root_cause(error) if unspecific else error).__name__)


def _root_cause(error: BaseException) -> BaseException:
    """Return the innermost cause. A TimeoutError is passed over: the class around it names what took too long."""
    cause = error.__cause__ or error.__context__
    return error if cause is None or isinstance(cause, TimeoutError) else _root_cause(cause)
