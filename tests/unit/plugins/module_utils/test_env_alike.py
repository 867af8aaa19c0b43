# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A file that all loaders read alike is read once: what comes of it is what each of the six parsers gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import event, given, settings
from hypothesis import strategies as st

from ansible_collections.mainstay.backend.plugins.module_utils._env_alike import read_alike
from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import (
    LOADERS,
    Loaded,
    LoaderRefuses,
    load,
    load_all,
)

NAMES = st.sampled_from(["A", "B", "_c", "A1", "EXT", "export", "PATH", "__proto__", "DOTENV_LINEBREAK_MODE"])
VALUES = st.text("aZ09_./:@+,=%!?&*()[]{}<>|~^;-# $'\"\\`\té\x85\u2028", max_size=6)
LINES = st.one_of(
    st.just(""),
    st.builds("{}#{}".format, st.sampled_from(["", " ", "\t"]), VALUES),
    st.builds("{}={}".format, NAMES, VALUES),
    st.builds("{}='{}'".format, NAMES, VALUES),
    st.builds('{}="{}"'.format, NAMES, VALUES),
    st.builds("export {}={}".format, NAMES, VALUES),
    st.text(max_size=5),
)


def _each(data: bytes, loader: str, environment: Mapping[str, str]) -> Loaded | str:
    try:
        return load(data, loader, environment)
    except LoaderRefuses as refusal:
        return str(refusal)


@given(
    lines=st.lists(LINES, max_size=5),
    end=st.sampled_from(["", "\n"]),
    loaders=st.lists(st.sampled_from(list(LOADERS)), min_size=2, unique=True),
    environment=st.sampled_from([{}, {"EXT": "ext"}]),
)
@settings(max_examples=3000, deadline=None)
def test_what_is_read_once_is_what_each_loader_reads(
    lines: Sequence[str], end: str, loaders: Sequence[str], environment: Mapping[str, str]
) -> None:
    data = ("\n".join(lines) + end).encode()
    expected = {loader: _each(data, loader, environment) for loader in loaders}
    alike = read_alike(data, loaders, environment)
    event("read once" if alike else "read by each")
    if alike:
        assert expected == dict.fromkeys(loaders, alike)
    found = load_all(data, loaders, environment)
    assert list(found) == list(loaders)
    assert {name: str(one) if isinstance(one, LoaderRefuses) else one for name, one in found.items()} == expected


def test_an_ordinary_file_is_read_once() -> None:
    text = "# The application\n\nRAILS_ENV=production\nDATABASE_URL=postgres://shop:abc@db.example.org:5432/shop?x=1\nEMPTY=\n"
    found = load_all(text.encode(), LOADERS)
    assert len({id(one) for one in found.values()}) == 1
    quoted = (text + "TITLE='My # shop'\n").encode()
    assert read_alike(quoted, set(LOADERS) - {"docker"}, {})
    assert read_alike(quoted, LOADERS, {}) is None
    assert read_alike(text.encode(), LOADERS, {"RAILS_ENV": "test"}) is None
