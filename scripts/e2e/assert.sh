#!/bin/sh
# Installs the chart from this checkout, gives the cluster a good and a broken image, and checks what drypull says of both: by
# helm test, by `drypull check --nodes`, by the Node condition, by the metrics. Usage: assert.sh [HELM-OPTION…], after cluster.sh.
set -eu
cd "$(dirname "$0")/../.."
registry=$(cat "${REGISTRY_FILE:-/tmp/drypull-registry}")
good=$registry/shop/web:1
broken=$registry/shop/none:1

# within SECONDS WHAT COMMAND…: until the command succeeds.
within() {
  until=$(($(date +%s) + $1))
  what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    if [ "$(date +%s)" -gt "$until" ]; then
      echo "!!! not in time: $what" >&2
      "$@" >&2 || true
      kubectl -n drypull logs daemonset/drypull --tail 50 >&2 || true
      exit 1
    fi
    sleep 2
  done
  echo "ok: $what"
}

pod() { # NAME IMAGE: its manifest
  cat <<POD
apiVersion: v1
kind: Pod
metadata:
  name: $1
  namespace: shop
spec:
  imagePullSecrets: [{ name: hub }]
  containers:
    - name: main
      image: $2
      command: [sleep, '3600']
POD
}

helm upgrade --install drypull charts/drypull --namespace drypull --create-namespace --wait --timeout 3m \
  --set image.repository=drypull,image.tag=e2e,image.pullPolicy=Never,nodeCondition=true,pullSecrets.scope=cluster \
  --set config.schedule=30s "$@"
helm test drypull --namespace drypull --logs

pod good "$good" | kubectl apply -f -
kubectl -n shop wait --for condition=Ready pod/good --timeout 120s

condition() {
  [ "$(kubectl get nodes -o jsonpath='{.items[0].status.conditions[?(@.type=="ImagePullReady")].status}')" = "$1" ]
}
within 180 'the Node condition is True while every image pulls' condition True

pod broken "$broken" | kubectl apply -f -
within 180 'the Node condition is False with a broken image' condition False

kubectl -n drypull port-forward daemonset/drypull 19467:9467 >/dev/null &
forward=$!
trap 'kill "$forward"' EXIT
metrics() { curl -fsS http://127.0.0.1:19467/metrics | grep -q "$1"; }
within 60 'the metrics count the failure' metrics '^drypull_images_failing{.*} 1$'

# `check --nodes` does not read the Secrets that the manifests only name; the stream gives it.
secret=$(kubectl -n shop get secret hub -o yaml)
ask() { # IMAGE: 0 pulls, 1 fails
  {
    echo "$secret"
    echo ---
    pod ask "$1"
  } | node dist/drypull.mjs check --nodes -f - --namespace shop --fresh
}
ask "$good"
status=0
ask "$broken" || status=$?
if [ "$status" != 1 ]; then
  echo "!!! check of the broken image ended with $status" >&2
  exit 1
fi
echo 'ok: check --nodes agrees'

kubectl -n shop delete pod broken
within 180 'the Node condition is True again' condition True
helm uninstall drypull --namespace drypull --wait
