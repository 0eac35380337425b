import { X509Certificate, createPrivateKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { authority, client, intermediate, leaf } from './certificates.ts';

describe('certificates for tests', () => {
  it('are signed by whom they say, and fit their keys', async () => {
    const root = await authority();
    const middle = await intermediate({ by: root });
    const low = await leaf({ names: ['a.example'], ips: ['127.0.0.1'], by: middle });
    const [one, two, three] = [low, middle, root].map(({ cert }) => new X509Certificate(cert));
    if (one === undefined || two === undefined || three === undefined) throw new Error('a certificate is missing');
    expect(one.checkIssued(two) && one.verify(two.publicKey)).toBe(true);
    expect(two.checkIssued(three) && two.verify(three.publicKey)).toBe(true);
    expect(three.checkIssued(three)).toBe(true);
    expect(one.checkPrivateKey(createPrivateKey(low.key))).toBe(true);
    expect(one.subjectAltName).toBe('DNS:a.example, IP Address:127.0.0.1');
    expect(low.chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  });

  it('have the dates that were wished for', async () => {
    const { validToDate } = new X509Certificate((await leaf({ names: ['a.example'], from: -9, to: -2 })).cert);
    expect(validToDate.getTime()).toBeLessThan(Date.now());
  });

  it('may have their name in the subject alone, or be for clients', async () => {
    const root = await authority();
    const old = new X509Certificate((await leaf({ names: ['a.example'], commonNameOnly: true, by: root })).cert);
    expect(old.subjectAltName).toBeUndefined();
    expect(old.subject).toContain('CN=a.example');
    const me = new X509Certificate((await client({ name: 'node', by: root })).cert);
    expect(me.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  });

  it('are made once for equal wishes, and differ between authorities', async () => {
    const [root, other] = [await authority(), await authority({ name: 'Other' })];
    expect(await leaf({ names: ['a.example'], by: root })).toBe(await leaf({ names: ['a.example'], by: root }));
    expect(await leaf({ names: ['a.example'], by: root })).not.toBe(await leaf({ names: ['a.example'], by: other }));
  });
});
