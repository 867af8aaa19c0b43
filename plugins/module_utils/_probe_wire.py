# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A connection of a login probe: it ends by its deadline and takes so many bytes at most, whatever the other side does. Standard library only."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from dataclasses import dataclass

#: A login takes a few hundred bytes. More is no login.
MOST_BYTES = 1 << 18
#: With TLS 1.3 a server looks at our certificate after its own handshake is over: so long is waited for its alert.
ALERT_SECONDS = 1.0


class Refused(Exception):
    """The server looked at the login and turned it away."""


class Unreachable(Exception):
    """Nobody could be asked, or nobody who can say at the moment: trying again may help."""


class Silent(Unreachable):
    """Nobody is there, or nobody answers: another probe of the same server would come to the same."""


class Odd(Exception):
    """Something answered, but its answer says neither that the login works nor that it is refused."""


@dataclass(frozen=True)
class Outcome:
    """`outcome`: works, refused, unreachable or error. `said`: why, for people; no secret, and nothing that a server could have put one in."""

    outcome: str
    said: str
    #: Whether the server did not answer at all.
    silent: bool = False


class Wire:
    """TCP to HOST:PORT, or the Unix socket at PATH. Every method raises Unreachable or Odd, and nothing else."""

    def __init__(self, host: str, port: int, path: str = "", connect: float = 3.0, seconds: float = 10.0) -> None:
        self._seconds = seconds
        self._until = time.monotonic() + seconds
        self._taken = 0
        self._buffer = bytearray()
        self._socket = self._open(host, port, path, connect)

    def _open(self, host: str, port: int, path: str, connect: float) -> socket.socket:
        try:
            if path:
                return self._try(socket.AF_UNIX, path, connect)
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise Silent(f"the name cannot be resolved: {error.strerror}") from None
        except (UnicodeError, ValueError):
            raise Odd("this is no host name") from None
        except OSError as error:
            raise Silent(_told(error)) from None
        until = time.monotonic() + connect
        refusal = OSError("no address")
        for family, _kind, _protocol, _name, address in found:
            try:
                return self._try(family, address, max(until - time.monotonic(), 0.05))
            except OSError as error:
                refusal = error
        if isinstance(refusal, TimeoutError):
            raise Silent(f"no connection within {connect:g} s")
        raise Silent(_told(refusal))

    @staticmethod
    def _try(family: int, address: object, seconds: float) -> socket.socket:
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.settimeout(seconds)
            made.connect(address)  # type: ignore[arg-type]
        except BaseException:
            made.close()
            raise
        return made

    def send(self, data: bytes) -> None:
        try:
            self._socket.settimeout(self._left())
            self._socket.sendall(data)
        except OSError as error:
            raise self._last_word(error) from None

    def take(self, count: int) -> bytes:
        """Exactly COUNT bytes, and not one more from the socket: what follows may be TLS."""
        while len(self._buffer) < count:
            self._receive(count - len(self._buffer))
        found = bytes(self._buffer[:count])
        del self._buffer[:count]
        return found

    def line(self, most: int = 8192) -> bytes:
        """One line without its CRLF."""
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > most:
                raise Odd("it sends a line without end")
            self._receive(4096)
        found = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return found

    def pause(self, seconds: float) -> None:
        """Waits SECONDS for a sign that the other side ends the connection; data counts as none."""
        try:
            self._socket.settimeout(min(seconds, self._left()))
            with contextlib.suppress(TimeoutError):
                if not self._socket.recv(1):
                    raise Unreachable("it closed the connection")
        except OSError as error:
            raise self._failure(error) from None

    def secure(self, context: ssl.SSLContext, server_name: str) -> None:
        """TLS from here on."""
        if self._buffer:
            raise Odd("it sent data before the TLS handshake")
        try:
            self._socket.settimeout(self._left())
            self._socket = context.wrap_socket(self._socket, server_hostname=server_name)
        except OSError as error:
            raise self._failure(error) from None
        except ValueError:
            raise Odd("the server name cannot be used for TLS") from None

    def certificate(self) -> bytes:
        """The other side's certificate in DER; empty without TLS."""
        held = self._socket
        return (held.getpeercert(binary_form=True) or b"") if isinstance(held, ssl.SSLSocket) else b""

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.close()

    def _receive(self, count: int) -> None:
        try:
            self._socket.settimeout(self._left())
            found = self._socket.recv(count)
        except OSError as error:
            raise self._last_word(error) from None
        if not found:
            raise Unreachable("it closed the connection")
        self._taken += len(found)
        if self._taken > MOST_BYTES:
            raise Odd("it sends more than a login takes")
        self._buffer += found

    def _last_word(self, error: OSError) -> Exception:
        """The failure that ERROR is. Where a server turns our certificate away, what fails may be a write to a connection that it has
        closed, and the alert that says why waits to be read."""
        if isinstance(self._socket, ssl.SSLSocket) and isinstance(error, (ConnectionError, ssl.SSLEOFError)):
            try:
                self._socket.settimeout(min(ALERT_SECONDS, self._left()))
                self._socket.recv(1)
            except OSError as later:
                if isinstance(later, ssl.SSLError) and not isinstance(later, (TimeoutError, ssl.SSLEOFError)):
                    return self._failure(later)
        return self._failure(error)

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _failure(self, error: OSError) -> Exception:
        if isinstance(error, TimeoutError):
            return Silent(f"no answer within {self._seconds:g} s")
        if isinstance(error, ssl.SSLCertVerificationError):
            return Odd(f"its certificate is not to be trusted: {error.verify_message}")
        if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            return Unreachable("it closed the connection")
        if isinstance(error, ssl.SSLError):
            return _tls_failure(str(error.reason or "unknown"))
        return Unreachable(_told(error))


#: Alerts by which a server turns our certificate away.
_ALERTS = (
    "CERTIFICATE_REQUIRED",
    "BAD_CERTIFICATE",
    "UNKNOWN_CA",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_REVOKED",
    "CERTIFICATE_UNKNOWN",
    "UNSUPPORTED_CERTIFICATE",
    "ACCESS_DENIED",
)


class Unwanted(Odd):
    """The server turned our certificate away: an answer where the certificate is what is probed."""


def _tls_failure(reason: str) -> Odd:
    shown = reason.replace("_", " ").lower()
    if "ALERT" in reason and any(alert in reason for alert in _ALERTS):
        return Unwanted(f"it does not accept the client's certificate ({shown})")
    return Odd(f"TLS failed: {shown}")


def _told(error: OSError) -> str:
    return (error.strerror or str(error) or type(error).__name__).lower()
