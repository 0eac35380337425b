#!/bin/sh
# What the end-to-end test needs on the runner: the bundle for `drypull check`, and htpasswd.
set -eu
cd "$(dirname "$0")/../.."
npm ci --ignore-scripts
npm run bundle
command -v htpasswd >/dev/null || { sudo apt-get update -q && sudo apt-get install -qy --no-install-recommends apache2-utils; }
