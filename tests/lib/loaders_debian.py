# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs on a Debian host: has the host's own systemd, its units and Docker Compose read files. One line of JSON for each line of JSON.

In: {"data": BASE64} or {"many": [BASE64, …], "accepted": [BOOL, …]}. Out: {"ok": …, "vars": {NAME: BASE64}} or {"many": […]}.
`accepted` tells Compose which ones to read in one call: it ends at the first file that it refuses.
"""

import base64
import concurrent.futures
import ctypes
import glob
import json
import os
import pathlib
import subprocess
import sys
import tempfile

WORK = pathlib.Path(tempfile.mkdtemp(dir="/run", prefix="mainstay-fuzz-"))
UNIT = f"""[Service]
Type=oneshot
EnvironmentFile={WORK}/%i.env
ExecStart=/usr/bin/env -0
StandardOutput=truncate:{WORK}/%i.out
StandardError=null
"""


def answer(found):
    if found is None:
        return {"ok": False}
    return {"ok": True, "vars": {name: base64.b64encode(value).decode() for name, value in found.items()}}


def pairs(entries):
    return {name.decode(): value for name, _equals, value in (entry.partition(b"=") for entry in entries)}


class Systemd:
    """The functions by which the service manager reads EnvironmentFile= (src/core/exec-invoke.c calls these two)."""

    def __init__(self):
        self.lib = ctypes.CDLL(glob.glob("/usr/lib/*/systemd/libsystemd-shared-*.so")[0])
        self.lib.log_set_max_level(-1)
        self.lib.strv_env_clean_with_callback.restype = ctypes.c_void_p
        self.lib.strv_env_clean_with_callback.argtypes = [ctypes.c_void_p] * 3
        self.lib.strv_free.argtypes = [ctypes.c_void_p]
        self.lib.load_env_file.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_void_p)]
        self.version = subprocess.check_output(["systemctl", "--version"], text=True).split()[1]

    def read(self, data):
        path = WORK / "file.env"
        path.write_bytes(data)
        found = ctypes.c_void_p()
        if self.lib.load_env_file(None, bytes(path), ctypes.byref(found)) < 0:
            return answer(None)
        entries = []
        if bool(found):
            self.lib.strv_env_clean_with_callback(found, None, None)
            array = ctypes.cast(found, ctypes.POINTER(ctypes.c_char_p))
            while array[len(entries)] is not None:
                entries.append(array[len(entries)])
            self.lib.strv_free(found)
        return answer(pairs(entries))


class Units(Systemd):
    """Real units: what /usr/bin/env gets."""

    def __init__(self):
        super().__init__()
        pathlib.Path("/run/systemd/system/mainstay-fuzz@.service").write_text(UNIT)
        subprocess.run(["systemctl", "daemon-reload"], check=True)

    def many(self, inputs, _accepted):
        for number, data in enumerate([b"", *inputs]):
            (WORK / f"{number}.env").write_bytes(data)
            (WORK / f"{number}.out").unlink(missing_ok=True)
        names = [f"mainstay-fuzz@{number}.service" for number in range(len(inputs) + 1)]
        subprocess.run(["systemctl", "start", *names], check=False, stderr=subprocess.DEVNULL)
        results = [self.result(number) for number in range(len(inputs) + 1)]
        subprocess.run(["systemctl", "reset-failed", "mainstay-fuzz@*"], check=False, stderr=subprocess.DEVNULL)
        return [
            answer(
                {name: value for name, value in found.items() if name not in results[0]} if found is not None else None
            )
            for found in results[1:]
        ]

    def result(self, number):
        path = WORK / f"{number}.out"
        if not path.exists() or not path.read_bytes():
            return None
        return pairs(path.read_bytes().split(b"\0")[:-1])


class Compose:
    def __init__(self):
        self.version = subprocess.check_output(["docker-compose", "version", "--short"], text=True).strip()

    def many(self, inputs, accepted):
        for number, data in enumerate(inputs):
            (WORK / f"{number}.env").write_bytes(data)
        together = [number for number in range(len(inputs)) if accepted[number]]
        found = self.config(together) if together else {}
        alone = [number for number in range(len(inputs)) if found is None or not accepted[number]]
        found = dict(found or {})
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for number, one in zip(alone, pool.map(lambda number: self.config([number]), alone), strict=True):
                found[number] = None if one is None else one[number]
        return [answer(found[number]) for number in range(len(inputs))]

    def config(self, numbers):
        services = {f"s{number}": {"image": "none", "env_file": [str(WORK / f"{number}.env")]} for number in numbers}
        done = subprocess.run(
            ["docker-compose", "-f", "-", "--project-directory", str(WORK), "config", "--format", "json"],
            input=json.dumps({"services": services}).encode(),
            capture_output=True,
            check=False,
        )
        if done.returncode:
            return None
        told = json.loads(done.stdout)["services"]
        return {
            number: {
                name: value.replace("$$", "$").encode()
                for name, value in (told[f"s{number}"].get("environment") or {}).items()
            }
            for number in numbers
        }


os.chdir(WORK)
program = {"systemd": Systemd, "units": Units, "compose": Compose}[sys.argv[1]]()
print(json.dumps({"version": program.version}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    if "data" in asked:
        print(json.dumps(program.read(base64.b64decode(asked["data"]))), flush=True)
    else:
        inputs = [base64.b64decode(item) for item in asked["many"]]
        print(json.dumps({"many": program.many(inputs, asked["accepted"])}), flush=True)
