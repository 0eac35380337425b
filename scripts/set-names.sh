#!/bin/sh
# Changes names of scripts/names.env, there and in every file that holds a copy of them.
# Usage: scripts/set-names.sh [IMAGE=…] [CHARTS=…] [SOURCE=…] [VERSION=…]
set -eu
cd "$(dirname "$0")/.."

# What holds the version. package.json and package-lock.json are npm's to change.
versioned='Dockerfile charts/drypull/Chart.yaml charts/drypull/README.md manifests/base/kustomization.yaml
  manifests/components/catalog/kustomization.yaml manifests/overlays/example/kustomization.yaml manifests/pipeline README.md docs'

for change in "$@"; do
  name=${change%%=*}
  new=${change#*=}
  old=$(sed -n "s/^$name=//p" scripts/names.env)
  if [ -z "$old" ] || [ "$new" = "$change" ]; then
    echo "set-names.sh: '$change' is not IMAGE=…, CHARTS=…, SOURCE=… or VERSION=…" >&2
    exit 2
  fi
  pattern=$(printf '%s' "$old" | sed 's/[.]/\\./g')
  case $name in
    VERSION)
      npm version "$new" --no-git-tag-version --allow-same-version >/dev/null
      # shellcheck disable=SC2086  # several files
      files=$(git ls-files -- $versioned)
      ;;
    # package-lock.json names other projects' repositories; CHANGELOG.md says what was.
    *) files=$(git ls-files -- ':!package-lock.json' ':!CHANGELOG.md') ;;
  esac
  echo "$files" | while read -r file; do
    # A symbolic link would become a file.
    [ -L "$file" ] || ! grep -q "$pattern" "$file" || sed -i "s#$pattern#$new#g" "$file"
  done
  sed -i "s#^$name=.*#$name=$new#" scripts/names.env
done
