/** Every distribution that is known, in the order in which they are looked for: what is built on another comes before it. */
import { aks } from './aks.ts';
import { bottlerocket } from './bottlerocket.ts';
import { docker } from './docker.ts';
import { eks } from './eks.ts';
import { flatcar } from './flatcar.ts';
import { gke } from './gke.ts';
import { k0s } from './k0s.ts';
import { k3s } from './k3s.ts';
import { kind } from './kind.ts';
import { kops } from './kops.ts';
import { kubeadm } from './kubeadm.ts';
import type { KnownDistribution } from './known.ts';
import { microk8s } from './microk8s.ts';
import { minikube } from './minikube.ts';
import { openshift } from './openshift.ts';
import { rke2 } from './rke2.ts';
import { talos } from './talos.ts';

export const distributions: readonly KnownDistribution[] = [
  ...[rke2, k3s, microk8s, k0s, talos, bottlerocket, openshift],
  // kOps runs on Flatcar and COS as well, minikube and kind on whatever their image is.
  ...[kops, kind, minikube, eks, gke, aks, flatcar],
  ...[kubeadm, docker],
];
