# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether Valkey lets a user in, by AUTH and PING over RESP. Standard library only.

No text of the server's is repeated: one that does not know AUTH quotes its arguments, the password among them.
"""

from __future__ import annotations

from ansible_collections.mainstay.backend.plugins.module_utils._probe_wire import (
    Odd,
    Outcome,
    Refused,
    Unreachable,
    Wire,
)

#: Errors that a user who is logged in can get from PING.
_ADMITTED = ("NOPERM", "MISCONF", "MASTERDOWN", "BUSY", "READONLY", "CLUSTERDOWN")
#: Replies of RESP2 and RESP3 that neither AUTH nor PING has.
_OTHERS = b":$*_,#(=%~>|"


def command(*words: str) -> bytes:
    """WORDS as RESP sends them: lengths first, so that no byte in them means anything."""
    parts = [f"*{len(words)}\r\n".encode()]
    for word in words:
        data = word.encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
    return b"".join(parts)


def probe_valkey(wire: Wire, user: str, password: str) -> Outcome:
    """Raises Refused for a wrong password as for a user who is off: Valkey does not tell them apart."""
    wire.send(command("AUTH", user, password))
    code = _answer(wire)
    if code == "WRONGPASS":
        raise Refused("WRONGPASS: wrong password, or the user is off or unknown")
    if code != "+OK":
        raise _neither(code, "AUTH")
    wire.send(command("PING"))
    code = _answer(wire)
    if code == "+PONG":
        return Outcome("works", "logged in")
    if code in _ADMITTED:
        return Outcome("works", f"logged in; PING was answered with {code}")
    raise _neither(code, "PING")


def _answer(wire: Wire) -> str:
    """`+` and a simple string, or the code of an error (its first word)."""
    line = wire.line()
    kind, rest = line[:1], line[1:]
    if kind == b"+":
        return "+" + rest.decode("ascii", "replace")[:16]
    if kind == b"!":
        # RESP3's long error
        if not rest.isdigit() or len(rest) > 4:
            raise Odd("it speaks another protocol than Valkey's")
        rest = wire.take(int(rest) + 2)
        kind = b"-"
    if kind == b"-":
        word = rest.split(b" ", 1)[0].decode("ascii", "replace")
        if rest.startswith(b"ERR max number of clients"):
            return "MAXCLIENTS"
        return word if word.isalpha() and word.isupper() and len(word) <= 16 else "ERR"
    if kind and kind in _OTHERS:
        raise Odd("it answered with something that is no answer to a login")
    raise Odd("it speaks another protocol than Valkey's" + (", perhaps TLS" if kind == b"\x15" else ""))


def _neither(code: str, asked: str) -> Exception:
    if code == "LOADING":
        return Unreachable("it is loading its data")
    if code == "MAXCLIENTS":
        return Unreachable("it has no connection left (maxclients)")
    if code == "DENIED":
        return Odd("DENIED: it is in protected mode and answers nobody from here")
    return Odd(f"it answered {asked} with {code if code.isalpha() else 'something else'}")
