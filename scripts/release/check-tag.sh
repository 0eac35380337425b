#!/bin/sh
# Refuses a tag that is not the version of every file, or has no section in CHANGELOG.md. Usage: check-tag.sh v1.2.3
set -eu
cd "$(dirname "$0")/../.."
. scripts/names.env

refuse() {
  echo "check-tag.sh: $1" >&2
  exit 1
}

[ "$1" = "v$VERSION" ] || refuse "the tag is $1 and the version v$VERSION (scripts/set-names.sh VERSION=${1#v} changes it)"
package=$(node -p 'require("./package.json").version')
[ "$package" = "$VERSION" ] || refuse "package.json has the version $package, scripts/names.env $VERSION"
grep -q "^version: $VERSION\$" charts/drypull/Chart.yaml || refuse "charts/drypull/Chart.yaml has another version than $VERSION"
grep -q "^## \[$VERSION\]" CHANGELOG.md || refuse "CHANGELOG.md has no section ## [$VERSION]"
echo "$1 is the version of every file"
