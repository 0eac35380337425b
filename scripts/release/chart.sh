#!/bin/sh
# Pushes a packaged chart as an OCI artifact. Writes its address with digest to standard output and, in a workflow, to the step's
# outputs. Usage: chart.sh CHART.tgz. HELM_PUSH_OPTIONS are options for `helm push`; CHARTS comes from scripts/names.env.
set -eu
given=${CHARTS:-}
# shellcheck source=scripts/names.env
. "$(dirname "$0")/../names.env"
charts=${given:-$CHARTS}

# shellcheck disable=SC2086  # several options
pushed=$("${HELM:-helm}" push ${HELM_PUSH_OPTIONS:-} "$1" "oci://$charts" 2>&1)
echo "$pushed" >&2
digest=$(echo "$pushed" | sed -n 's/^Digest: *//p')
[ -n "$digest" ] || exit 1
echo "$charts/drypull@$digest"
[ -z "${GITHUB_OUTPUT:-}" ] || echo "chart=$charts/drypull@$digest" >>"$GITHUB_OUTPUT"
