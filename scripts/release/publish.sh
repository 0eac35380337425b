#!/bin/sh
# Makes the GitHub release of a tag, with what package.sh made. Usage: publish.sh v1.2.3 FOLDER. Needs gh and its token.
set -eu
notes=$(mktemp)
"$(dirname "$0")/notes.sh" "${1#v}" >"$notes"
gh release create "$1" --verify-tag --title "$1" --notes-file "$notes" \
  "$2"/*.tar.gz "$2"/*.spdx.json "$2/drypull.yaml" "$2/SHA256SUMS" "$2/SHA256SUMS.sigstore.json"
rm "$notes"
