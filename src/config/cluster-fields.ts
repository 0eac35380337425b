/** The part of the configuration about what the agent reads from the cluster and what it publishes there. */
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
    help: "Whether the agent reads this node's Pods from Kubernetes. auto: with a kubeconfig, or in a Pod with a ServiceAccount.",
  }),
  kubeconfig: field<string | null>({
    env: 'DRYPULL_KUBECONFIG',
    fallback: null,
    read: orNull(absolutePath),
    write: same,
    help: "The kubeconfig file for Kubernetes. Default: the Pod's ServiceAccount.",
  }),
  pullSecrets: field<'auto' | 'on' | 'off'>({
    env: 'DRYPULL_PULL_SECRETS',
    fallback: 'auto',
    read: oneOf(['auto', 'on', 'off']),
    write: same,
    help: 'Whether the agent reads the pull secrets of Pods. auto: those that it may read; after a refusal it tries again after 10m, or after 90s where it could read the Secret before. on: it tries again after 1m. A verdict that depends on an unread Secret is unknown.',
  }),
  checkSecrets: field<boolean>({
    env: 'DRYPULL_CHECK_SECRETS',
    fallback: 'off',
    read: onOff,
    write: asSwitch,
    help: 'Whether the agent reads pull secrets that a POST /check only names. on: a user who may forward a port to the agent, or who runs on the node, learns what each Secret that the agent may read gives access to.',
  }),
  canaries: field<readonly string[]>({
    env: 'DRYPULL_CANARIES',
    fallback: [],
    read: list(
      text(/^[^\s]{1,4096}$/, 'an image reference'),
      'a list of image references, one for each registry that Pods will need',
    ),
    write: same,
    help: 'Images to rehearse besides those of the Pods, one for each registry: they show that it can be reached before a Pod needs it.',
  }),
  clusterPlatforms: field<readonly string[]>({
    env: 'DRYPULL_CLUSTER_PLATFORMS',
    fallback: [],
    read: list(
      text(/^[a-z0-9]{1,20}\/[a-z0-9]{1,20}(\/[a-z0-9.]{1,20})?$/, 'os/architecture, such as linux/arm64'),
      'a list of platforms',
    ),
    write: same,
    help: "The platforms of the cluster's nodes, such as linux/amd64, linux/arm64: an image that lacks a build for one of them gets a forecast. Empty: the platforms that the catalog names, with the component catalog-nodes.",
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
