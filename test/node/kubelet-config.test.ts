import { expect, test } from 'vitest';
import { readKubeletConfig } from '#node/kubelet-config.ts';
import { nodeRoot } from '../kit/node-root.ts';

test('the file, the drop-ins in the order of their names, and the flags are laid one over the other', async () => {
  await using root = await nodeRoot({
    'etc/kubelet.yaml': 'registryPullQPS: 1\nregistryBurst: 1\nimageGCLowThresholdPercent: 10\n',
    'etc/kubelet.d/20-b.conf': 'registryBurst: 20\n',
    'etc/kubelet.d/10-a/late.conf': 'registryBurst: 15\nimageGCLowThresholdPercent: 15\n',
    'etc/kubelet.d/30-c.yaml': 'registryBurst: 30\n',
    'etc/kubelet.d/40-d.conf': '{ no yaml',
  });
  const args = ['kubelet', '--config=/etc/kubelet.yaml', '--config-dir', '/etc/kubelet.d', '--registry-qps=9'];
  const config = await readKubeletConfig(root.path, { args: args, layout: {} });
  expect(config).toMatchObject({ ok: true, value: { registryPullQps: 9, registryBurst: 20, imageGcLowPercent: 15 } });
  expect(config.source).toBe('/etc/kubelet.yaml, /etc/kubelet.d, command line');
});

test('without a command line the file is where kubeadm puts it', async () => {
  await using root = await nodeRoot({
    'var/lib/kubelet/config.yaml': 'imagePullCredentialsVerificationPolicy: AlwaysVerify\n',
  });
  const config = await readKubeletConfig(root.path, { args: undefined, layout: {} });
  expect(config).toMatchObject({ ok: true, value: { imagePullCredentialsVerificationPolicy: 'AlwaysVerify' } });
});

test('a kubelet without --config has the defaults and its flags', async () => {
  await using root = await nodeRoot({ 'var/lib/kubelet/config.yaml': 'registryPullQPS: 1\n' });
  const config = await readKubeletConfig(root.path, {
    args: ['kubelet', '--eviction-hard=imagefs.available<9%'],
    layout: {},
  });
  expect(config).toMatchObject({
    ok: true,
    value: { registryPullQps: 5, evictionHard: { 'imagefs.available': '9%' } },
  });
});

test.each([[undefined], [['kubelet', '--config=/etc/gone.yaml']]])(
  'a file that is not to be seen leaves it open: %j',
  async (args) => {
    await using root = await nodeRoot({ 'etc/hostname': 'n' });
    expect(await readKubeletConfig(root.path, { args: args, layout: {} })).toMatchObject({
      ok: false,
      fault: { code: 'agent.cannot_see' },
    });
  },
);
