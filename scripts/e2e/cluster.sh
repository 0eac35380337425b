#!/bin/sh
# Starts what the end-to-end test needs in front of a running cluster: a registry that demands a login, with one image in it, and
# drypull's own image on the nodes. Usage: cluster.sh kind|k3s|minikube. Needs docker, kubectl and htpasswd.
set -eu
cd "$(dirname "$0")/../.."
kind=$1
registry=drypull-registry
network=$kind
user=reader
password=not-a-secret

docker build --tag drypull:e2e --build-arg "REVISION=$(git rev-parse HEAD)" .
case $kind in
  kind) kind load docker-image drypull:e2e ;;
  minikube) minikube image load drypull:e2e ;;
  k3s)
    network=bridge
    docker save drypull:e2e | sudo k3s ctr images import -
    ;;
esac

auth=$(mktemp -d)
htpasswd -Bbn "$user" "$password" >"$auth/htpasswd"
docker run --detach --name "$registry" --network "$network" --publish 127.0.0.1:5001:5000 --volume "$auth:/auth:ro" \
  --env REGISTRY_AUTH=htpasswd --env REGISTRY_AUTH_HTPASSWD_REALM=e2e --env REGISTRY_AUTH_HTPASSWD_PATH=/auth/htpasswd \
  docker.io/library/registry:2
address=$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$registry")

docker pull docker.io/library/busybox:stable
docker tag docker.io/library/busybox:stable localhost:5001/shop/web:1
printf %s "$password" | docker login --username "$user" --password-stdin localhost:5001
docker push localhost:5001/shop/web:1

# The registry speaks HTTP: each runtime gets that in its own configuration.
hosts="[host.\"http://$address:5000\"]"
conf="[[registry]]
location = \"$address:5000\"
insecure = true"
case $kind in
  kind)
    for node in $(kind get nodes); do
      docker exec "$node" mkdir -p "/etc/containerd/certs.d/$address:5000"
      echo "$hosts" | docker exec --interactive "$node" tee "/etc/containerd/certs.d/$address:5000/hosts.toml"
    done
    ;;
  k3s)
    sudo mkdir -p /etc/rancher/k3s
    printf 'mirrors:\n  "%s:5000":\n    endpoint: ["http://%s:5000"]\n' "$address" "$address" |
      sudo tee /etc/rancher/k3s/registries.yaml
    sudo systemctl restart k3s
    kubectl wait --for condition=Ready node --all --timeout 120s
    ;;
  minikube)
    echo "$conf" | minikube ssh -- sudo tee /etc/containers/registries.conf.d/e2e.conf
    minikube ssh -- sudo systemctl restart crio
    kubectl wait --for condition=Ready node --all --timeout 120s
    ;;
esac

kubectl create namespace shop
kubectl -n shop create secret docker-registry hub --docker-server "$address:5000" --docker-username "$user" \
  --docker-password "$password"
echo "$address:5000" >"${REGISTRY_FILE:-/tmp/drypull-registry}"
