# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each purpose of a Valkey instance means: eviction, persistence, buffers and the application's rights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

EVICTING = (
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
)
KEEPING = ("noeviction",)

#: Nothing of an application's user reaches what these remove, whatever was granted before them.
_NEVER = ("-@admin", "-@dangerous", "-script|flush", "-script|kill", "-function")
_BASIC = ("+@connection", "+@transaction")


@dataclass(frozen=True)
class Purpose:
    """`keeps`: what was acknowledged must never be lost. `rules` are the rights of the application's users."""

    name: str
    port: int
    maxmemory: str
    policies: tuple[str, ...]
    appendonly: bool
    keeps: bool
    why: str
    rules: tuple[str, ...]
    settings: Mapping[str, str] = field(default_factory=dict)


PURPOSES = {
    purpose.name: purpose
    for purpose in (
        # Rails' cache store: strings, counters, SCAN for delete_matched, FLUSHDB for clear, INFO for stats, scripts of its neighbours.
        Purpose(
            name="cache",
            port=6379,
            maxmemory="256mb",
            policies=EVICTING,
            appendonly=False,
            keeps=False,
            why="a full cache must make room",
            rules=(
                "~*",
                "resetchannels",
                "-@all",
                "+@read",
                "+@write",
                "+@scripting",
                *_BASIC,
                *_NEVER,
                "+flushdb",
                "+info",
            ),
        ),
        # Sessions are reached by their token alone: nothing here lists keys.
        Purpose(
            name="session",
            port=6380,
            maxmemory="128mb",
            policies=KEEPING,
            appendonly=True,
            keeps=True,
            why="evicting a session signs somebody out",
            rules=(
                *(
                    "~*",
                    "resetchannels",
                    "-@all",
                    "+@string",
                    "+@hash",
                    "+@set",
                    "+@sortedset",
                    "+del",
                    "+unlink",
                    "+exists",
                    "+type",
                    "+touch",
                ),
                *(
                    "+expire",
                    "+pexpire",
                    "+expireat",
                    "+pexpireat",
                    "+persist",
                    "+ttl",
                    "+pttl",
                    "+expiretime",
                    "+pexpiretime",
                    "+eval",
                    "+evalsha",
                ),
                *("+script|load", "+script|exists", *_BASIC, *_NEVER, "-@blocking", "+info"),
            ),
            settings={"auto-aof-rewrite-percentage": "100", "auto-aof-rewrite-min-size": "64mb"},
        ),
        # ActionCable and AnyCable: channels, and streams or lists for what a client missed.
        Purpose(
            name="cable",
            port=6381,
            maxmemory="64mb",
            policies=KEEPING,
            appendonly=True,
            keeps=True,
            why="evicting drops messages that were accepted",
            rules=(
                "~*",
                "allchannels",
                "-@all",
                "+@pubsub",
                "+@read",
                "+@write",
                "+@scripting",
                *_BASIC,
                *_NEVER,
                "+info",
            ),
            settings={
                "client-output-buffer-limit": "pubsub 32mb 8mb 60",
                "auto-aof-rewrite-percentage": "100",
                "auto-aof-rewrite-min-size": "64mb",
            },
        ),
        # Sidekiq and its like: every data type, blocking reads, scripts, INFO.
        Purpose(
            name="queue",
            port=6382,
            maxmemory="128mb",
            policies=KEEPING,
            appendonly=True,
            keeps=True,
            why="evicting loses jobs",
            rules=(
                "~*",
                "allchannels",
                "-@all",
                "+@read",
                "+@write",
                "+@blocking",
                "+@pubsub",
                "+@scripting",
                *_BASIC,
                *_NEVER,
                "+info",
            ),
            settings={"auto-aof-rewrite-percentage": "100", "auto-aof-rewrite-min-size": "64mb"},
        ),
    )
}
