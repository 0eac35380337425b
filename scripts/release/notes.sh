#!/bin/sh
# The section of CHANGELOG.md about this version, without its heading: the text of the release. Usage: notes.sh [VERSION]
set -eu
# shellcheck source=scripts/names.env
. "$(dirname "$0")/../names.env"
version=${1:-$VERSION}
awk -v heading="## [$version]" '
  index($0, heading) == 1 { inside = 1; next }
  inside && /^## / { exit }
  inside && /^\[[^]]*\]: / { exit }
  inside { print }
' "$(dirname "$0")/../../CHANGELOG.md"
