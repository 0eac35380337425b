#!/bin/sh
# Installs on Debian the real servers and programs that some tests use. Quick where all is there; without it those tests are
# left out, and say so.
set -eu

PATH=$PATH:/usr/sbin:/sbin

missing=
want() { # program, package
  command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}

want docker-registry docker-registry
want containerd containerd
want runc runc
want squid squid
want promtool prometheus
want prometheus-blackbox-exporter prometheus-blackbox-exporter
want htpasswd apache2-utils
want skopeo skopeo
want openssl openssl
want kubectl kubernetes-client
if [ "${WITH_CHROMIUM:-}" = 1 ]; then want chromium chromium; fi

if [ -z "$missing" ]; then
  echo 'servers.sh: everything is installed'
  exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
  echo "!!! servers.sh: this is not Debian; install by hand:$missing" >&2
  exit 1
fi
if [ "$(id -u)" != 0 ]; then
  echo "!!! servers.sh: not root; run: sudo apt-get install --no-install-recommends$missing" >&2
  exit 1
fi

# The tests start their own daemons: nothing may start by itself when it is installed.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
# shellcheck disable=SC2086
apt-get install -qy --no-install-recommends $missing
echo "servers.sh: installed$missing"
