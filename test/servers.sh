#!/bin/sh
# Installs on Debian the real servers and programs that some tests and benchmarks use. Quick where all is there. Where it cannot
# install it says so and those tests are left out; with CI=true that is a failure. WITH_CHROMIUM=1 adds a browser.
set -eu

PATH=$PATH:/usr/sbin:/sbin

missing=
want() { # program, package
  command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}

leave() { # why
  echo "!!! servers.sh: $1; tests that need these are left out:$missing" >&2
  if [ "${CI:-}" = true ]; then exit 1; fi
  exit 0
}

want docker-registry docker-registry
want containerd containerd
want runc runc
want unshare util-linux
want squid squid
want promtool prometheus
want prometheus-blackbox-exporter prometheus-blackbox-exporter
want htpasswd apache2-utils
want skopeo skopeo
want openssl openssl
want unzip unzip
want shellcheck shellcheck
# Kubernetes' own package puts its file where Debian's does, so this is wanted only where there is neither.
want kubectl kubernetes-client
if [ "${WITH_CHROMIUM:-}" = 1 ]; then want chromium chromium; fi

if [ -z "$missing" ]; then
  echo 'servers.sh: everything is installed'
  exec sh "$(dirname "$0")/tools.sh"
fi
if ! command -v apt-get >/dev/null 2>&1; then leave 'this is not Debian'; fi
if [ "$(id -u)" != 0 ]; then leave "not root (sudo sh $0 would install them)"; fi

# The tests start their own daemons: nothing may start by itself when it is installed.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
# A source that does not answer matters only if what is missing would have come from there.
apt-get update -q || echo '!!! servers.sh: apt-get update failed; going on with what is known' >&2
# shellcheck disable=SC2086
apt-get install -qy --no-install-recommends $missing </dev/null
echo "servers.sh: installed$missing"
sh "$(dirname "$0")/tools.sh"
