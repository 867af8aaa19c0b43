# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whatever a script or a test's set-up calls and fails at, its reason is shown."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from programs import printed

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of scripts/, and a folder `bin` that comes first on the PATH."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "bin").mkdir()
    return tmp_path


def program(copy: Path, name: str, text: str) -> None:
    path = copy / "bin" / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def run(copy: Path, script: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{copy / 'bin'}:{os.environ['PATH']}"}
    command = [str(copy / "scripts" / script)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600, check=False)


def test_a_failing_npm_shows_its_reason(copy: Path) -> None:
    program(copy, "npm", "echo 'npm error code ENOSPC' >&2; echo 'npm error no space left on device' >&2; exit 7")
    done = run(copy, "node_dotenv")
    assert done.returncode == 7
    assert "no space left on device" in done.stderr
    assert "node_dotenv: this failed with exit code 7: npm install" in done.stderr


def test_an_npm_that_only_prints_to_standard_output_shows_its_reason_too(copy: Path) -> None:
    program(copy, "npm", "echo 'the registry said no'; exit 1")
    done = run(copy, "node_dotenv")
    assert done.returncode == 1 and "the registry said no" in done.stderr


def test_an_npm_that_succeeds_is_not_heard(copy: Path) -> None:
    program(copy, "npm", "echo added 1 package; echo a warning >&2")
    done = run(copy, "node_dotenv")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_failing_pip_shows_its_reason(copy: Path) -> None:
    """`make lock`: in the virtual environment that it makes; here by a Python that makes one with such a pip."""
    makes = 'mkdir -p "$3/bin"; printf "#!/bin/sh\\necho no matching distribution >&2; exit 1\\n" > "$3/bin/pip"; chmod 755 "$3/bin/pip"'
    program(copy, "python3.11", makes)
    (copy / "requirements.txt").write_text("nothing==1.0\n")
    done = run(copy, "lock")
    assert done.returncode == 1 and "no matching distribution" in done.stderr


def test_a_program_that_fails_in_a_tests_set_up_is_shown_with_what_it_printed() -> None:
    code = "import sys; print('said before'); sys.exit('the reason')"
    with pytest.raises(RuntimeError) as caught:
        try:
            subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        except subprocess.CalledProcessError as error:
            raise RuntimeError("set-up") from error
    shown = dict(printed(caught.value))
    assert [text.strip() for text in shown.values()] == ["said before", "the reason"]


#: A call whose failing has a reason that only the program knows.
CALLS = re.compile(
    r"\bapt-get (-\S+ )*(update|install)|\bnpm (install|ci)|/?pip\"? (install|download)|\bdocker (build|pull|import|run)\b"
    r"|\bmmdebstrap -|ansible-galaxy\"? collection install"
)
#: What keeps that reason from being seen. A file is fine, where the script shows its end.
HIDES = re.compile(r"--silent\b|>\s*/dev/null")


def hidden(text: str) -> list[str]:
    """The lines of a script that make such a call and hide what it says."""
    lines = [re.sub(r"command -v [\w-]+ *>/dev/null|#.*", "", line) for line in text.replace("\\\n", " ").splitlines()]
    return [line.strip() for line in lines if CALLS.search(line) and HIDES.search(line) and "quietly" not in line]


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        ("apt-get update -qq && apt-get install -y npm >/dev/null", True),
        ("npm install --silent dotenv", True),
        ('"$venv/bin/pip" download x >/dev/null', True),
        ("docker build --quiet . >/dev/null || rc=$?", True),
        ("docker run -d \\\n  image >/dev/null", True),
        ("quietly apt-get update", False),
        ("quietly docker build .", False),
        ("command -v npm >/dev/null || apt_install npm", False),
        ("docker pull debian", False),
        ("# apt-get update >/dev/null", False),
    ],
)
def test_a_script_that_hides_a_reason_is_recognised(line: str, refused: bool) -> None:
    assert bool(hidden(line)) is refused


SCRIPTS = [path.name for path in sorted((ROOT / "scripts").iterdir()) if path.is_file() and path.suffix != ".py"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_hides_why_a_program_failed(name: str) -> None:
    assert hidden((ROOT / "scripts" / name).read_text(encoding="utf-8")) == []
