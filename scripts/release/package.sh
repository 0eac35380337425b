#!/bin/sh
# Makes what a release consists of, but for the image: the bundle as an archive, its SBOM, the npm package, the chart, the krew
# manifest and the checksums. The same commit gives the same files. Usage: package.sh FOLDER. Needs Node.js, npm and helm.
set -eu
cd "$(dirname "$0")/../.."
. scripts/names.env
mkdir -p "$1/npm" "$1/chart"
out=$(cd "$1" && pwd)
archive=drypull-$VERSION.tar.gz

METAFILE=$out/metafile.json npm run --silent bundle
node scripts/sbom.ts "$out/metafile.json" >"$out/drypull-$VERSION.spdx.json"
node scripts/sbom.ts "$out/metafile.json" --check "$out/drypull-$VERSION.spdx.json"

# What krew installs: without the names that krew gives it. Its files get the time of the commit, not that of the build.
folder=$(mktemp -d)
cp -R dist/*.mjs dist/*.txt dist/chunks LICENSE "$folder"
tar --create --directory "$folder" --sort=name --mtime="@${SOURCE_DATE_EPOCH:-$(git show -s --format=%ct HEAD)}" \
  --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX . | gzip --no-name >"$out/$archive"
rm -r "$folder"

npm pack --silent --ignore-scripts --pack-destination "$out/npm" >/dev/null
"${HELM:-helm}" package charts/drypull --destination "$out/chart" >/dev/null

sum() {
  sha256sum "$1" | cut -d ' ' -f 1
}
sed -e "s#VERSION#$VERSION#g" -e "s#SOURCE#$SOURCE#g" -e "s#SHA256#$(sum "$out/$archive")#" krew/drypull.yaml >"$out/drypull.yaml"
(cd "$out" && sha256sum "$archive" "drypull-$VERSION.spdx.json" drypull.yaml >SHA256SUMS)
