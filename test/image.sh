#!/bin/sh
# Builds the image with buildah, without a container engine and without a base from a registry: both bases are made of this
# machine's own node, npm and C++ runtime. Then looks at the result and starts it. Needs root, buildah and Node 24 in
# node_modules; npm fetches the dependencies as it does anywhere.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
agent=
images="--root $work/storage --runroot $work/run --storage-driver vfs"
# shellcheck disable=SC2086  # the options are words
buildah_() { command buildah $images "$@"; }
cleanup() {
  # Its whole group: buildah, its runtime, and the agent inside.
  [ -z "$agent" ] || kill -- "-$agent" 2>/dev/null || true
  buildah_ rm --all >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

# put FILE PLACE: a program or file below $root, with the libraries that it is linked to.
put() {
  mkdir -p "$root$(dirname "$2")"
  cp -L "$1" "$root$2"
  for library in $(ldd "$1" 2>/dev/null | grep -o '/[^ ]*'); do
    [ -e "$root$library" ] || { mkdir -p "$root$(dirname "$library")"; cp -L "$library" "$root$library"; }
  done
}

node=$(node_modules/.bin/node -p process.execPath)
certificates=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}

# base NAME [OPTION...]: what is below $root becomes an image, configured so.
base() {
  name=$1
  shift
  container=$(buildah_ from scratch)
  [ $# -eq 0 ] || buildah_ config "$@" "$container"
  buildah_ add -q "$container" "$root" / >/dev/null
  buildah_ commit -q "$container" "$name" >/dev/null
  buildah_ rm "$container" >/dev/null
}

root=$work/build
put "$node" /usr/local/bin/node
put "$(command -v sh)" /bin/sh
put "$(command -v env)" /usr/bin/env
mkdir -p "$root/usr/local/lib/node_modules" "$root/tmp" "$root/root" "$root/etc/ssl/certs"
cp -RL "$(npm root -g 2>/dev/null)/npm" "$root/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
cp -L "$certificates" "$root/etc/ssl/certs/ca-certificates.crt"
for settings in "$HOME/.npmrc" "$(npm prefix -g 2>/dev/null)/etc/npmrc"; do
  [ ! -f "$settings" ] || cat "$settings" >>"$root/root/.npmrc"
done
base localhost/test-build --env HOME=/root --env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt

root=$work/final
put "$node" /usr/local/bin/node
rm "$root/usr/local/bin/node"
mkdir -p "$root/etc/ssl/certs" "$root/tmp"
cp -L "$certificates" "$root/etc/ssl/certs/ca-certificates.crt"
echo 'nonroot:x:65532:65532::/:/' >"$root/etc/passwd"
base localhost/test-final

buildah_ build --isolation chroot --pull-never --layers=false \
  --build-arg BUILD_IMAGE=localhost/test-build --build-arg FINAL_IMAGE=localhost/test-final \
  --build-arg REVISION=0123456789abcdef0123456789abcdef01234567 --build-arg SOURCE_DATE_EPOCH=1772366400 \
  -t localhost/drypull .

echo '--- for another architecture, without running it'
# Its last step runs nothing, so nothing emulates a processor. Real bases have a manifest of each architecture; here they are the
# same files under another architecture's name.
for base in test-build test-final; do
  container=$(buildah_ from --pull-never "localhost/$base")
  buildah_ config --arch arm64 "$container"
  buildah_ commit -q "$container" "localhost/$base-arm64" >/dev/null
  buildah_ rm "$container" >/dev/null
done
buildah_ build --isolation chroot --pull-never --layers=false --platform linux/arm64 \
  --build-arg BUILD_IMAGE=localhost/test-build-arm64 --build-arg FINAL_IMAGE=localhost/test-final-arm64 \
  -t localhost/drypull-arm64 .
[ "$(buildah_ inspect --format '{{ .OCIv1.Architecture }}' --type image localhost/drypull-arm64)" = arm64 ]

echo '--- size'
buildah_ push -q --format oci localhost/drypull "dir:$work/pushed" >/dev/null
bytes=$(cat "$work"/pushed/* | wc -c)
echo "$bytes bytes compressed, base included"
[ "$bytes" -lt 60000000 ]

echo '--- what it is'
container=$(buildah_ from --pull-never localhost/drypull)
config() { buildah_ inspect --format "{{ $1 }}" --type image localhost/drypull; }
[ "$(config .OCIv1.Config.User)" = 65532:65532 ]
[ "$(config '.OCIv1.Config.Cmd')" = '[agent]' ]
config .OCIv1.Config.Labels | grep -q org.opencontainers.image.licenses:Apache-2.0
entrypoint=$(config .OCIv1.Config.Entrypoint | tr -d '[]')
echo "$entrypoint"

# shellcheck disable=SC2086  # the entry point is words
run() { buildah_ run --isolation chroot "$container" -- "$@"; }
echo '--- it cannot write its own files, and has no shell and no npm'
# shellcheck disable=SC2016  # JavaScript
run /usr/local/bin/node -e '
  const { accessSync, constants, existsSync, writeFileSync } = require("node:fs");
  for (const path of ["/drypull/drypull.mjs", "/usr/local/bin/node", "/drypull", "/etc"]) {
    let wrote = true;
    try { accessSync(path, constants.W_OK); } catch { wrote = false; }
    if (wrote || process.getuid() === 0) throw new Error(`${path} can be written by ${process.getuid()}`);
  }
  for (const path of ["/bin/sh", "/usr/bin/npm", "/usr/local/bin/npm"]) if (existsSync(path)) throw new Error(path);
'

echo '--- it says how to use it'
# shellcheck disable=SC2086
run $entrypoint --help

echo '--- it says of which commit it is'
# shellcheck disable=SC2086
version=$(run $entrypoint --version)
echo "$version"
[ "${version#* }" = '(commit 0123456789abcdef0123456789abcdef01234567, built 2026-03-01T12:00:00Z)' ]

echo '--- the agent lives'
# shellcheck disable=SC2086
setsid buildah $images run --isolation chroot --env DRYPULL_LISTEN=127.0.0.1:19467 --env DRYPULL_CHECK_LISTEN=off \
  --env DRYPULL_IMAGES=localhost:1/none:1 "$container" -- $entrypoint agent </dev/null >"$work/agent.log" 2>&1 &
agent=$!
# shellcheck disable=SC2016  # JavaScript
"$node" -e '
  const until = Date.now() + 20000;
  const ask = () => fetch("http://127.0.0.1:19467/livez").then(({ status }) => {
    console.log(`/livez ${status}`);
    process.exit(status === 200 ? 0 : 1);
  }, (error) => {
    if (Date.now() > until) throw error;
    setTimeout(ask, 200);
  });
  ask();
'
echo '--- fine'
