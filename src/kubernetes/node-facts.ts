/** The fields of the Node object that rehearsals and reports need. The kubelet writes all of them but labels and taints. */
import { joinHostPort } from '#go/host-port.ts';
import { parseAddress } from '#go/ip.ts';
import { at, listAt, numberAt, stringsAt, textAt } from '#kubernetes/api/json.ts';

export interface NodeFacts {
  readonly name: string;
  /** As written: `containerd://2.1.9`. */
  readonly runtime: string;
  /** As written: `v1.36.2`. */
  readonly kubelet: string;
  /** As written: `Bottlerocket OS 1.50.0 (aws-k8s-1.34)`. */
  readonly osImage: string;
  readonly os: string;
  readonly architecture: string;
  /** Where its kubelet listens, `https://10.0.0.5:10250`; empty where the Node has no address. */
  readonly kubeletUrl: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  /** Cordoned: spec.unschedulable. */
  readonly unschedulable: boolean;
  readonly conditions: readonly Condition[];
  readonly images: NodeImages;
  /** resourceVersion, for optimistic writes. */
  readonly version: string;
}

export interface Taint {
  readonly key: string;
  readonly value: string;
  readonly effect: string;
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly lastHeartbeatTime: string;
  readonly lastTransitionTime: string;
}

export interface NodeImages {
  /** Every name in the list: `docker.io/library/nginx:1.29`, `docker.io/library/nginx@sha256:…`. */
  readonly names: ReadonlySet<string>;
  /** An image that is not in the list is not on the node. */
  readonly isComplete: boolean;
}

/**
 * The kubelet lists the largest images only, 50 by default (nodeStatusMaxImages), and at most five names of each
 * (k8s pkg/kubelet/nodestatus/setters.go Images, MaxNamesPerImageInNodeStatus, v1.36). At either bound, an image that is not listed
 * may still be on the node.
 */
const mostImages = 50;
const mostNames = 5;

export function readNodeFacts(node: unknown): NodeFacts | undefined {
  const name = textAt(node, 'metadata', 'name');
  if (name === '') return undefined;
  const images = listAt(node, 'status', 'images').map((image) => listAt(image, 'names').filter(isText));
  return {
    name,
    runtime: textAt(node, 'status', 'nodeInfo', 'containerRuntimeVersion'),
    kubelet: textAt(node, 'status', 'nodeInfo', 'kubeletVersion'),
    osImage: textAt(node, 'status', 'nodeInfo', 'osImage'),
    os: textAt(node, 'status', 'nodeInfo', 'operatingSystem'),
    architecture: textAt(node, 'status', 'nodeInfo', 'architecture'),
    kubeletUrl: kubeletUrlOf(node),
    labels: stringsAt(node, 'metadata', 'labels'),
    taints: taintsOf(at(node, 'spec')),
    unschedulable: at(node, 'spec', 'unschedulable') === true,
    conditions: listAt(node, 'status', 'conditions').map(readCondition),
    images: {
      names: new Set(images.flat()),
      isComplete: images.length > 0 && images.length < mostImages && images.every((names) => names.length < mostNames),
    },
    version: textAt(node, 'metadata', 'resourceVersion'),
  };
}

export function taintsOf(spec: unknown): readonly Taint[] {
  return listAt(spec, 'taints').map((taint) => ({
    key: textAt(taint, 'key'),
    value: textAt(taint, 'value'),
    effect: textAt(taint, 'effect'),
  }));
}

function kubeletUrlOf(node: unknown): string {
  const addresses = listAt(node, 'status', 'addresses');
  const internal = addresses.find((address) => textAt(address, 'type') === 'InternalIP');
  const host = textAt(internal, 'address');
  const port = numberAt(node, 'status', 'daemonEndpoints', 'kubeletEndpoint', 'Port') ?? 10_250;
  return parseAddress(host) === undefined ? '' : `https://${joinHostPort(host, port)}`;
}

function readCondition(condition: unknown): Condition {
  return {
    type: textAt(condition, 'type'),
    status: textAt(condition, 'status'),
    reason: textAt(condition, 'reason'),
    message: textAt(condition, 'message'),
    lastHeartbeatTime: textAt(condition, 'lastHeartbeatTime'),
    lastTransitionTime: textAt(condition, 'lastTransitionTime'),
  };
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
