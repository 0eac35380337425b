#!/bin/sh
# Builds the image for every architecture with docker buildx, and pushes it where PUSH=true. Writes its digest to standard output
# and, in a workflow, to the step's outputs. Usage: image.sh [TAG…]; without a tag, the version.
set -eu
cd "$(dirname "$0")/../.."
. scripts/names.env
[ $# -gt 0 ] || set -- "$VERSION"
metadata=$(mktemp)

for tag in "$@"; do
  set -- "$@" --tag "$IMAGE:$tag"
  shift
done
# Provenance and SBOM are attestations of BuildKit's own, beside the image. An image that is not pushed is kept nowhere: a
# build of several architectures fits into no local image store.
docker buildx build "$@" --platform linux/amd64,linux/arm64 --provenance mode=max --sbom true \
  --build-arg "VERSION=$VERSION" --build-arg "REVISION=$(git rev-parse HEAD)" \
  --build-arg "SOURCE_DATE_EPOCH=$(git show -s --format=%ct HEAD)" \
  --output "type=image,push=${PUSH:-false}" --metadata-file "$metadata" .
digest=$(node -p 'JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8"))["containerimage.digest"]' "$metadata")
rm "$metadata"
echo "$digest"
[ -z "${GITHUB_OUTPUT:-}" ] || printf 'digest=%s\nimage=%s\n' "$digest" "$IMAGE" >>"$GITHUB_OUTPUT"
