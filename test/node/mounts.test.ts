import { expect, test } from 'vitest';
import { mountOf, readMountinfo } from '#node/mounts.ts';

const text = `21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 21 8:2 / /var rw,relatime shared:2 - xfs /dev/sdb1 rw
31 30 0:50 / /var/lib/my\\040disk rw - tmpfs tmpfs rw
32 21 8:3 / /data rw - ext4 /dev/sdc1 rw
33 32 8:4 / /data/inner rw - ext4 /dev/sdd1 rw
34 21 8:5 / /data rw - ext4 /dev/sde1 rw
no mount at all
`;
const mounts = readMountinfo(text);

test.each([
  ['/', '8:1'],
  ['/etc/hosts', '8:1'],
  ['/var', '8:2'],
  ['/var/lib/containerd', '8:2'],
  ['/variable', '8:1'],
  ['/var/lib/my disk/x', '0:50'],
  ['/data/inner', '8:5'],
])('%s lies on %s', (path, device) => {
  expect(mountOf(mounts, path)?.device).toBe(device);
});

test.each([[''], ['\0\n\n'], ['1 2 3 4 5']])('%j mounts nothing', (garbage) => {
  expect(mountOf(readMountinfo(garbage), '/')).toBeUndefined();
});
