#!/usr/bin/env bash
# What several scripts need; read with `. scripts/lib.sh`.

# quietly COMMAND...: shows nothing where it succeeds; where it fails: the command, how it ended, and the end of what it printed.
quietly() {
  local log rc=0
  log=$(mktemp)
  "$@" >"$log" 2>&1 || rc=$?
  if [ $rc != 0 ]; then
    echo "${0##*/}: this failed with exit code $rc: $*" >&2
    tail -n 30 "$log" | sed 's/^/    /' >&2
  fi
  rm -f "$log"
  return $rc
}

# apt_install PACKAGE...: Debian's packages, without what they recommend.
apt_install() {
  quietly apt-get update &&
    quietly env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

# near_docker: from here on `docker exec` enters the tests' hosts without the engine (tests/runner/bin/docker says how and why), where that can be done.
near_docker() {
  [ "$(id -u)" = 0 ] && [ -z "${DOCKER_HOST:-}${MAINSTAY_DOCKER:-}" ] && [ -d /proc/self/ns ] && command -v nsenter runuser >/dev/null || return 0
  MAINSTAY_DOCKER=$(command -v docker) || return 0
  MAINSTAY_RUN_DIR=/run/mainstay-docker
  mkdir -p -m 0700 "$MAINSTAY_RUN_DIR"
  export MAINSTAY_DOCKER MAINSTAY_RUN_DIR PATH="$PWD/tests/runner/bin:$PATH"
}
