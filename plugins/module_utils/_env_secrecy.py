# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is a secret by its name or form, what is a placeholder, and which names may be shown."""

from __future__ import annotations

import re
from functools import lru_cache

#: A name that ends so holds a secret …
_SECRET = re.compile(
    r"(?:^|_)(?:PASS(?:WORD|WD|PHRASE|CODE)?\d?|PASSWORDS|SECRETS?|TOKENS?|APIKEY|CREDENTIALS?|PEPPER|SALT|KEYBASE|KEY_BASE"
    r"|(?:API|APP|AUTH|SECRET|PRIVATE|ACCESS|MASTER|ENCRYPTION|SIGNING|SIGNATURE|CRYPT|CIPHER|HMAC|JWT|ADMIN|LICENSE|SERVICE|ROLE|STORAGE"
    r"|ACCOUNT|SHARED|SESSION|COOKIE|DETERMINISTIC|PRIMARY|DERIVATION|SECURE|FERNET|HASH|WEBHOOK|SERVER)_KEYS?)"
    r"(?:_(?:BASE|OLD|NEW|PREVIOUS|CURRENT|PENDING|PRODUCTION|PROD|LIVE|STAGING|\d+|[AB]))?$"
    r"|PASSWORD$|(?<=[A-Z])APIKEY$|(?:^|_)(?:PG|MYSQL|REDISCLI_)?AUTH_PASS$"
)
#: … unless it is one of these: public by intent, or about a secret rather than one.
_HARMLESS = re.compile(
    r"(?:^|_)(?:PUBLIC|PUBLISHABLE|ANON|SITE_KEY|ENABLE[DS]?|DISABLE[DS]?|ALLOW(?:ED|S)?|REQUIRED?|HAS|USE|SHOW|HIDE|IS|MAX|MIN|VITE)(?:_|$)"
    r"|ACCESS_KEY_ID$|(?:^|_)(?:MASKED|HASHED)_"
)
_TOKEN = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]{1,300}?[A-Za-z0-9+/]{40}|AGE-SECRET-KEY-1[0-9A-Z]{20}"
    r"|(?:ghp|gho|ghs|ghu)_[A-Za-z0-9]{36}|github_pat_\w{40,}|glpat-[\w-]{20,}|(?:sk|rk)_live_[A-Za-z0-9]{16,}"
    r"|xox[abprs]-[0-9A-Za-z-]{20,}|AKIA[0-9A-Z]{16}|SG\.[\w-]{16,}\.[\w-]{16,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}|sk-(?:ant-|proj-)?[\w-]{32,}"
    r"|AIza[\w-]{35}|npm_[A-Za-z0-9]{36}|hvs\.[\w-]{24,}"
)
_PLACEHOLDER = re.compile(
    r"""<[^<>]*>|\[[a-z][a-z _-]*\]|\{\{[^{}]*\}\}|%[a-z_]+%|__[a-z_]+__|\.{3,}|…+|\*{3,}|_{3,}|\?+|x{3,}
    |(?:.*[-_. ])?(?:change|replace)[-_. ]?(?:me|this|it|with|before)(?:[-_. !].*|\d*)?|(?:.*[-_. ])?placeholder(?:[-_. ].*)?
    |(?:please[-_. ])?(?:edit|fill|insert|enter|put|generate|create|set|add|paste|update)[-_. ]
     (?:me|this|it|in|your|a|an|the|one|here|with|random|long|some)(?:[-_. !].*)?
    |(?:https?://|my|this[-_ ]is[-_ ])?your[-_. ]?[a-z].*|.*[-_./@]your[-_. ].*|.*[-_. ]here[.!>]*|here
    |(?:todo|tbd|fixme|tba)(?:[: ].*)?""",
    re.IGNORECASE | re.VERBOSE,
)
_HINT = re.compile(
    r"(?:change|replace|over-?write)[-_ ]?(?:me|this|it|with)|your[-_ ]|example|sample|insecure|placeholder|dummy|random",
    re.IGNORECASE,
)
#: In place of a secret these are placeholders too; elsewhere they may be values.
_NO_SECRET = re.compile(
    r"""(?:dummy|fake|sample|example|foobar|insecure|unsafe|not[-_]?(?:a[-_])?secure?)(?:[-_. ].*)?|(?:run|use|see|output|result|generate)[-_: ].*|-{3,}|0{6,}
    |!?(?:change|replace|over-?write|generate)[-_ ]?(?:me|this|it)\b.*|!?(?:change|replace)(?:me|this|it)\w{0,60}!?|change[-_ ]?(?:password|secret|key|token)
    |to[-_ ]?be[-_ ]?(?:modified|changed|replaced|set|filled|defined|generated).*|some[-_ ]?random.*|get[-_]a[-_].*|overwrite[-_ ]?me.*
    |(?:a|some)?[-_ ]?(?:very[-_ ])?(?:random|secret|long)[-_ ]?(?:string|text|value|key|random|secret)(?:[-_ ].*)?""",
    re.IGNORECASE | re.VERBOSE,
)
#: Placeholders where a secret should be, ordinary words elsewhere.
_ORDINARY = (
    "secret secrets password passwd pass passphrase mysecret mypassword token key apikey changeit default test testing secretkey secret_key none"
    " secret-key my-secret my_secret my-secret-key s3cr3t supersecret super-secret super_secret topsecret api-key api_key value string abc123"
)
_WORDS = frozenset(_ORDINARY.split())
_NOTHING = frozenset({"", "null", "nil", "none", "undefined", "~", "false", "true", "yes", "no", "on", "off", "0", "1"})
_UPPER_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
_OTHER_NAME = re.compile(
    r"(?=.{1,48}$)(?:[A-Z]?[a-z]+(?:[A-Z][a-z]+)*\d{0,3})(?:[._-]+[A-Z]?[a-z]+(?:[A-Z][a-z]+)*\d{0,3})*"
)


@lru_cache(maxsize=8192)
def secret_name(name: str) -> bool:
    """Whether a variable called NAME holds a secret, as far as its name tells."""
    upper = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()
    upper = re.sub(r"[^A-Z0-9]+", "_", upper)
    return bool(_SECRET.search(upper)) and not _HARMLESS.search(upper)


def known_token(value: str) -> bool:
    """Whether VALUE is by its form alone a secret: a private key, a token of a well-known service."""
    return len(value) > 15 and bool(_TOKEN.search(value[:4096]))


def nothing(value: str) -> bool:
    """Whether VALUE is a way to write "none", or a mere switch."""
    return len(value) < 12 and value.strip().lower() in _NOTHING


@lru_cache(maxsize=8192)
def placeholder(value: str, secret: bool) -> bool:
    """Whether VALUE was left to be replaced; ordinary words such as 'secret' count only in place of a SECRET."""
    text = value.strip()
    if secret and text.startswith("-----BEGIN ") and "PRIVATE KEY-----" in text:
        return not known_token(text)
    if not text or len(text) > 200:
        return False
    if _PLACEHOLDER.fullmatch(text):
        return True
    return secret and (text.lower() in _WORDS or bool(_NO_SECRET.fullmatch(text) or _HINT.search(text)))


def prose(value: str) -> bool:
    """Whether VALUE is words for people, as "run-rails-secret" or "ChangeThisLater", and not a generated secret."""
    text = value[:200]
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+", text)
    words = [part for part in parts if 2 < len(part) < 15 and re.search(r"[aeiouyAEIOUY]", part)]
    numbers = [part for part in parts if part.isdigit()]
    return len(words) > 1 and len(numbers) < 3 and sum(map(len, words)) >= 0.7 * len(re.sub(r"[^A-Za-z0-9]", "", text))


def printable(name: str) -> bool:
    """Whether NAME is surely a name: what stands before a '=' in a damaged file may be a part of a secret."""
    if not (_UPPER_NAME.fullmatch(name) or _OTHER_NAME.fullmatch(name)):
        return False
    return all(len(re.findall(r"\d+", word)) < 3 and len(word) < 25 for word in re.split(r"[._-]", name))
