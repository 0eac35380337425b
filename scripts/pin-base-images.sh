#!/bin/sh
# Writes into a Dockerfile the digests that its base images have now: the digest of the index, so that it is every architecture's.
# Usage: scripts/pin-base-images.sh [Dockerfile]. Needs skopeo; SKOPEO_OPTIONS are its options for `inspect`.
set -eu
file=${1:-$(dirname "$0")/../Dockerfile}

for name in BUILD_IMAGE FINAL_IMAGE; do
  image=$(sed -n "s/^ARG $name=\([^@]*\).*/\1/p" "$file")
  manifest=$(mktemp)
  # shellcheck disable=SC2086  # several options
  skopeo inspect --raw ${SKOPEO_OPTIONS:-} "docker://$image" >"$manifest"
  digest=sha256:$(sha256sum "$manifest" | cut -d ' ' -f 1)
  rm "$manifest"
  sed -i "s|^ARG $name=.*|ARG $name=$image@$digest|" "$file"
  echo "$name $image@$digest"
done
