import { describe, expect, test } from 'vitest';
import { earlyEventText, pullEventText } from '#kubelet/event-text.ts';

describe('pullWords', () => {
  test('of a pull that fails: reason, message, back-off and events', () => {
    expect(pullEventText('reg.test/a:v1', 'boom')).toEqual({
      waitingReason: 'ErrImagePull',
      waitingMessage: 'boom',
      backOffMessage: 'Back-off pulling image "reg.test/a:v1": ErrImagePull: boom',
      events: [
        { type: 'Normal', reason: 'Pulling', message: 'Pulling image "reg.test/a:v1"' },
        { type: 'Warning', reason: 'Failed', message: 'Failed to pull image "reg.test/a:v1": boom' },
        { type: 'Warning', reason: 'Failed', message: 'Error: ErrImagePull' },
        { type: 'Normal', reason: 'BackOff', message: 'Back-off pulling image "reg.test/a:v1"' },
        { type: 'Warning', reason: 'Failed', message: 'Error: ImagePullBackOff' },
      ],
    });
  });

  test('of a pull that hangs: the container is being created for ever', () => {
    expect(pullEventText('a', '')).toEqual({
      waitingReason: 'ContainerCreating',
      waitingMessage: '',
      events: [{ type: 'Normal', reason: 'Pulling', message: 'Pulling image "a"' }],
    });
  });
});

describe('earlyWords', () => {
  test('of a name that cannot be read', () => {
    const why = 'invalid reference format: repository name (Team/App) must be lowercase';
    const message = `Failed to apply default image tag "ok.test/Team/App:v1": couldn't parse image name "ok.test/Team/App:v1": ${why}`;
    expect(
      earlyEventText('ok.test/Team/App:v1', { code: 'image.malformed', image: 'ok.test/Team/App:v1', why }),
    ).toMatchObject({
      waitingReason: 'InvalidImageName',
      waitingMessage: message,
      events: [{ reason: 'InspectFailed', message }, { message: 'Error: InvalidImageName' }],
    });
  });

  test('of an image that is never pulled', () => {
    expect(earlyEventText('a:1', { code: 'image.never_pulled', image: 'a:1' })).toMatchObject({
      waitingReason: 'ErrImageNeverPull',
      waitingMessage: 'Container image "a:1" is not present with pull policy of Never',
    });
  });

  test("of a secret that cannot be decoded: the reason is Go's own error, and there is no back-off", () => {
    const why = 'illegal base64 data at input byte 0';
    expect(earlyEventText('a', { code: 'credential.malformed', secret: 's', namespace: 'n', why })).toEqual({
      waitingReason: why,
      waitingMessage: why,
      events: [{ type: 'Warning', reason: 'Failed', message: `Error: ${why}` }],
    });
  });

  test('of everything else: none', () => {
    expect(earlyEventText('a', { code: 'tcp.refused', address: 'x', port: 1 })).toBeUndefined();
  });
});
