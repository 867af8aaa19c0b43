# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The directives of valkey.conf: which may be set raw, in which versions, and which belong to something else.

Taken from CONFIG GET of 8.0.1, 8.1.1 and 9.1.2 as Debian builds them.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping


def _words(text: str) -> list[str]:
    return text.split()


_SWITCH = _words("""
    activerehashing aof-load-truncated aof-rewrite-incremental-fsync aof-timestamp-enabled aof-use-rdb-preamble crash-log-enabled crash-memcheck-enabled
    disable-thp dynamic-hz extended-redis-compatibility hide-user-data-from-log io-threads-do-reads jemalloc-bg-thread latency-tracking
    lazyfree-lazy-eviction lazyfree-lazy-expire lazyfree-lazy-server-del lazyfree-lazy-user-del lazyfree-lazy-user-flush mptcp no-appendfsync-on-rewrite
    rdb-del-sync-files rdb-save-incremental-fsync rdbchecksum rdbcompression stop-writes-on-bgsave-error tls-prefer-server-ciphers tls-session-caching
""")
_NUMBER = _words("""
    acllog-max-len active-expire-effort auto-aof-rewrite-min-size auto-aof-rewrite-percentage busy-reply-threshold client-query-buffer-limit
    commandlog-execution-slower-than commandlog-large-reply-max-len commandlog-large-request-max-len commandlog-reply-larger-than
    commandlog-request-larger-than commandlog-slow-execution-max-len events-per-io-thread hash-max-listpack-entries hash-max-listpack-value
    hll-sparse-max-bytes hz io-threads latency-monitor-threshold lfu-decay-time lfu-log-factor list-compress-depth list-max-listpack-size
    max-new-connections-per-cycle max-new-tls-connections-per-cycle maxmemory-clients maxmemory-eviction-tenacity maxmemory-samples
    prefetch-batch-max-size proto-max-bulk-len set-max-intset-entries set-max-listpack-entries set-max-listpack-value shutdown-timeout
    slowlog-log-slower-than slowlog-max-len stream-node-max-bytes stream-node-max-entries tcp-backlog tcp-keepalive tls-auto-reload-interval
    tls-session-cache-size tls-session-cache-timeout tracking-table-max-keys zset-max-listpack-entries zset-max-listpack-value
""")
_TEXT = _words("""
    aof-rewrite-cpulist availability-zone bgsave-cpulist bind-source-addr bio-cpulist client-output-buffer-limit ignore-warnings
    latency-tracking-info-percentiles locale-collate log-format log-timestamp-format loglevel notify-keyspace-events oom-score-adj oom-score-adj-values
    proc-title-template propagation-error-behavior rdb-version-check sanitize-dump-payload server-cpulist shutdown-on-sigint shutdown-on-sigterm
    tls-auth-clients-user tls-ciphers tls-ciphersuites tls-client-cert-file
    tls-client-key-file tls-dh-params-file tls-protocols
""")
KNOWN = {**dict.fromkeys(_SWITCH, "switch"), **dict.fromkeys(_NUMBER, "number"), **dict.fromkeys(_TEXT, "text")}

_SINCE = {
    **dict.fromkeys([name for name in KNOWN if name.startswith("commandlog-")], (8, 1)),
    **dict.fromkeys(("rdb-version-check", "log-format", "log-timestamp-format"), (8, 1)),
    **dict.fromkeys(("mptcp", "tls-auth-clients-user", "tls-auto-reload-interval"), (9, 1)),
}
_UNTIL = {
    **dict.fromkeys(("dynamic-hz", "events-per-io-thread", "io-threads-do-reads"), (8, 0)),
    "sanitize-dump-payload": (8, 1),
}

#: Directives that an option of the instance sets -> that option.
OPTION_OF = {
    "port": "port",
    "bind": "bind",
    "maxmemory": "maxmemory",
    "maxmemory-policy": "maxmemory_policy",
    "appendonly": "appendonly",
    "appendfsync": "appendfsync",
    "save": "save",
    "maxclients": "maxclients",
    "timeout": "timeout",
    "databases": "databases",
    "dir": "directory",
    "tls-port": "tls_port",
    "tls-auth-clients": "tls_clients",
    **dict.fromkeys(("tls-cert-file", "tls-key-file", "tls-ca-cert-file", "tls-ca-cert-dir"), "tls"),
}
_SECRET = "credentials through backend_credentials: this would put a password into a file and into diffs"
_SERVICE = "it left to the role, which fits it to the systemd unit"
_TRAP = "it left to the role: another value would make the server start without its data"
_ONE = "one server an instance: this role builds no replication and no cluster"
#: Directives that are refused -> what is expected instead.
REFUSED = {
    **dict.fromkeys(
        (
            "requirepass",
            "user",
            "aclfile",
            "primaryauth",
            "primaryuser",
            "masterauth",
            "masteruser",
            "acl-pubsub-default",
        ),
        _SECRET,
    ),
    **dict.fromkeys(("tls-key-file-pass", "tls-client-key-file-pass"), _SECRET),
    **dict.fromkeys(
        (
            "daemonize",
            "supervised",
            "pidfile",
            "unixsocket",
            "unixsocketperm",
            "unixsocketgroup",
            "set-proc-title",
            "import-mode",
        ),
        _SERVICE,
    ),
    **dict.fromkeys(
        ("logfile", "syslog-enabled", "syslog-facility", "syslog-ident", "always-show-logo"),
        "it left to the role: servers log to the journal",
    ),
    **dict.fromkeys(("dbfilename", "appenddirname", "appendfilename"), _TRAP),
    **dict.fromkeys(("replicaof", "slaveof", "cluster-enabled", "cluster-config-file", "cluster-port"), _ONE),
    **dict.fromkeys(("include", "loadmodule"), "directives written out here: the role cannot check another file"),
    "rename-command": "rights by ACL, which the role derives from the purpose",
    **dict.fromkeys(
        ("enable-debug-command", "enable-module-command", "enable-protected-configs"),
        "it left at no: it opens the server to whoever logs in",
    ),
    "protected-mode": "it left at yes",
    "activedefrag": "it left at no: Debian's build refuses to start with it",
    "hash-seed": "it left to the server, which draws one at each start",
}
#: Directives that only a start reads; what CONFIG SET itself answers counts, this is for telling beforehand.
AT_START = frozenset(
    _words("""
    aclfile aof-rewrite-cpulist bgsave-cpulist bio-cpulist databases dir disable-thp mptcp rdbchecksum server-cpulist tcp-backlog unixsocket unixsocketperm
    """)
)

#: Second names of directives: CONFIG GET answers both, CONFIG SET refuses both at once.
_ALIAS = re.compile(
    r"slave|^master(?:auth|user)$|ziplist|_cpulist$|^lua-time-limit$|^commandlog-(?:execution-slower-than|slow-execution-max-len)$"
)
#: What the unit's command line sets over the file.
_BY_UNIT = ("daemonize", "supervised")

_NUMERIC = re.compile(r"-?\d+(?:b|k|kb|m|mb|g|gb|%)?", re.IGNORECASE)


def comparable(config: Mapping[str, str]) -> dict[str, str]:
    """CONFIG GET's answer with each directive once, and without what the unit decides."""
    return {name: value for name, value in config.items() if name not in _BY_UNIT and not _ALIAS.search(name)}


def text_of(value: object) -> str | None:
    """VALUE as valkey.conf writes it; None where it cannot stand there."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, str) and not re.search(r"[\n\r\0\"'\\]", value):
        return str(value).strip()
    return None


def wrong(name: str, value: object) -> tuple[str, str] | None:
    """What is wrong with a raw directive: (what was found, what is expected), or None."""
    if name in OPTION_OF:
        return "a directive that has its own option", f"the option {OPTION_OF[name]}"
    if name in REFUSED:
        return "a directive that this role refuses", REFUSED[name]
    kind = KNOWN.get(name)
    if kind is None:
        near = difflib.get_close_matches(name.lower().replace("_", "-"), [*KNOWN, *OPTION_OF], n=1, cutoff=0.75)
        hint = f", like {near[0]}" if near else " that Valkey 8.0 to 9.1 knows"
        return "an unknown directive", f"one{hint}"
    text = text_of(value)
    if text is None:
        return repr(value)[:60], "text on one line without quotes or backslashes, a number, or true or false"
    if kind == "switch" and text not in ("yes", "no"):
        return repr(text), "yes or no"
    if kind == "number" and not _NUMERIC.fullmatch(text):
        return repr(text), "a number or a size"
    return None


def wrong_for_version(name: str, version: tuple[int, ...]) -> str | None:
    """Why VERSION (major, minor) does not know directive NAME, or None."""
    if name in _SINCE and version < _SINCE[name]:
        return "Valkey {}.{} or later".format(*_SINCE[name])
    if name in _UNTIL and version > _UNTIL[name]:
        return "Valkey {}.{} or earlier".format(*_UNTIL[name])
    return None
