#!/bin/sh
# Signs an image without a key and attests its SBOM. Usage: sign-image.sh IMAGE@DIGEST SBOM.spdx.json. Needs cosign and an OIDC identity.
set -eu
cosign sign --yes --recursive "$1"
cosign attest --yes --type spdxjson --predicate "$2" "$1"
