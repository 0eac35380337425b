/**
 * The strings that `kubectl describe pod` would show for a failed pull.
 * Imitates kubernetes pkg/kubelet/images/image_manager.go (EnsureImageExists, evalCRIPullErr), kuberuntime_container.go
 * (startContainer) and events/event.go, v1.36.2.
 */
import type { Fault } from '#report/fault.ts';
import { goQuote } from '#go/quote.ts';
import type { KubeletText } from '#report/report.ts';

type Event = KubeletText['events'][number];
const failed = (message: string): Event => ({ type: 'Warning', reason: 'Failed', message });

/** `text` is the CRI error; empty where the runtime would never answer. */
export function pullEventText(image: string, text: string): KubeletText {
  const pulling: Event = { type: 'Normal', reason: 'Pulling', message: `Pulling image ${goQuote(image)}` };
  if (text === '') return { waitingReason: 'ContainerCreating', waitingMessage: '', events: [pulling] };
  return {
    waitingReason: 'ErrImagePull',
    waitingMessage: text,
    backOffMessage: `Back-off pulling image ${goQuote(image)}: ErrImagePull: ${text}`,
    events: [
      pulling,
      failed(`Failed to pull image ${goQuote(image)}: ${text}`),
      failed('Error: ErrImagePull'),
      { type: 'Normal', reason: 'BackOff', message: `Back-off pulling image ${goQuote(image)}` },
      failed('Error: ImagePullBackOff'),
    ],
  };
}

/** A failure that the kubelet sees before it asks the runtime; undefined for one that it does not. */
export function earlyEventText(image: string, fault: Fault): KubeletText | undefined {
  if (fault.code === 'image.malformed') {
    const message = `Failed to apply default image tag ${goQuote(image)}: couldn't parse image name ${goQuote(image)}: ${fault.why}`;
    return {
      waitingReason: 'InvalidImageName',
      waitingMessage: message,
      events: [{ type: 'Warning', reason: 'InspectFailed', message }, failed('Error: InvalidImageName')],
    };
  }
  if (fault.code === 'image.never_pulled') {
    const message = `Container image ${goQuote(image)} is not present with pull policy of Never`;
    return {
      waitingReason: 'ErrImageNeverPull',
      waitingMessage: message,
      events: [{ type: 'Warning', reason: 'ErrImageNeverPull', message }, failed('Error: ErrImageNeverPull')],
    };
  }
  if (fault.code !== 'credential.malformed') return undefined;
  return { waitingReason: fault.why, waitingMessage: fault.why, events: [failed(`Error: ${fault.why}`)] };
}
