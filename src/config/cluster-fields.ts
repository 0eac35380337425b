/** The rows of the configuration that say what is asked of the cluster and what is told to it. */
import { field } from './field.ts';
import { absolutePath, list, oneOf, onOff, orNull, text } from './values.ts';

const same = (value: unknown): unknown => value;
const asSwitch = (value: boolean): unknown => (value ? 'on' : 'off');

export const clusterFields = {
  cluster: field<'auto' | 'on' | 'off'>({
    env: 'DRYPULL_CLUSTER',
    fallback: 'auto',
    read: oneOf(['auto', 'on', 'off']),
    write: same,
    help: "Whether Kubernetes is asked what this node's Pods want. auto: where kubeconfig is given, or in a Pod with a ServiceAccount.",
  }),
  kubeconfig: field<string | null>({
    env: 'DRYPULL_KUBECONFIG',
    fallback: null,
    read: orNull(absolutePath),
    write: same,
    help: "How Kubernetes is reached. Where not given: by the Pod's ServiceAccount.",
  }),
  pullSecrets: field<'auto' | 'on' | 'off'>({
    env: 'DRYPULL_PULL_SECRETS',
    fallback: 'auto',
    read: oneOf(['auto', 'on', 'off']),
    write: same,
    help: 'Whether the pull secrets of Pods are read. auto: those that may be; one that was refused is asked for again after 10m, sooner once where it could be read before, with on after 1m. Unread, a verdict that depends on it is unknown.',
  }),
  checkSecrets: field<boolean>({
    env: 'DRYPULL_CHECK_SECRETS',
    fallback: 'off',
    read: onOff,
    write: asSwitch,
    help: 'Whether pull secrets that a POST /check only names are read as for Pods. on: whoever may forward a port to the agent, or runs on the node, learns what any Secret that it may read gives access to.',
  }),
  canaries: field<readonly string[]>({
    env: 'DRYPULL_CANARIES',
    fallback: [],
    read: list(
      text(/^[^\s]{1,4096}$/, 'an image reference'),
      'a list of image references, one for each registry that Pods will need',
    ),
    write: same,
    help: 'Images that are rehearsed beside those of the Pods, one a registry: they say that it can be reached before a Pod needs it.',
  }),
  clusterPlatforms: field<readonly string[]>({
    env: 'DRYPULL_CLUSTER_PLATFORMS',
    fallback: [],
    read: list(
      text(/^[a-z0-9]{1,20}\/[a-z0-9]{1,20}(\/[a-z0-9.]{1,20})?$/, 'os/architecture, such as linux/arm64'),
      'a list of platforms',
    ),
    write: same,
    help: "The platforms of the cluster's nodes, such as linux/amd64, linux/arm64: an image that lacks a build for one of them is foretold. Empty: those that the catalog names, with the component catalog-nodes.",
  }),
  nodeCondition: field<boolean>({
    env: 'DRYPULL_NODE_CONDITION',
    fallback: 'off',
    read: onOff,
    write: asSwitch,
    help: 'Whether the Node gets the condition ImagePullReady.',
  }),
  nodeEvents: field<boolean>({
    env: 'DRYPULL_NODE_EVENTS',
    fallback: 'off',
    read: onOff,
    write: asSwitch,
    help: 'Whether the Node gets an Event when a verdict changes.',
  }),
} as const;
