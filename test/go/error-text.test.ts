import { describe, expect, test } from 'vitest';
import { engineOf } from '#runtime/containerd/versions.ts';
import { faultCodes, type Fault } from '#report/fault.ts';
import { goError } from '#go/error-text.ts';
import { versionOf } from '../kit/stage.ts';

const engine = engineOf(versionOf('2.1.9'), 'local');
const refused: Fault = { code: 'tcp.refused', address: '10.0.0.9', port: 3128 };

describe('goError', () => {
  test.each<readonly [Fault, string]>([
    [{ code: 'dns.not_found', host: 'h', server: '', asked: [] }, 'dial tcp: lookup h: no such host'],
    [
      { code: 'dns.timed_out', host: 'h', server: '10.0.0.2:53', afterMs: 5000 },
      'dial tcp: lookup h on 10.0.0.2:53: read udp [node]->10.0.0.2:53: i/o timeout',
    ],
    [
      { code: 'dns.refused', host: 'h', server: '10.0.0.2:53' },
      'dial tcp: lookup h on 10.0.0.2:53: read udp [node]->10.0.0.2:53: read: connection refused',
    ],
    [
      { code: 'dns.malformed', host: 'h', server: 's', why: 'x' },
      'dial tcp: lookup h on s: cannot unmarshal DNS message',
    ],
    [
      { code: 'tcp.refused', address: '2001:db8::1', port: 443 },
      'dial tcp [2001:db8::1]:443: connect: connection refused',
    ],
    [
      { code: 'tcp.unreachable', address: '10.0.0.1', port: 443, why: 'no route to host' },
      'dial tcp 10.0.0.1:443: connect: no route to host',
    ],
    [
      { code: 'tcp.reset', address: '127.1.0.27', port: 443, failurePoint: 'connecting' },
      'dial tcp 127.1.0.27:443: connect: connection reset by peer',
    ],
    [
      { code: 'tcp.reset', address: '10.0.0.1', port: 443, failurePoint: 'response' },
      'read tcp [node]->10.0.0.1:443: read: connection reset by peer',
    ],
    [{ code: 'tcp.closed', address: '10.0.0.1', port: 443, failurePoint: 'response' }, 'EOF'],
    [{ code: 'tcp.closed', address: '10.0.0.1', port: 443, failurePoint: 'body' }, 'unexpected EOF'],
    [{ code: 'tls.timed_out', host: 'h', afterMs: 10_000 }, 'net/http: TLS handshake timeout'],
    [
      { code: 'tls.wrong_name', host: '10.0.0.1', names: ['reg.io'], commonNameOnly: false },
      "tls: failed to verify certificate: x509: cannot validate certificate for 10.0.0.1 because it doesn't contain any IP SANs",
    ],
    [
      { code: 'tls.wrong_name', host: 'reg.io', names: [], commonNameOnly: true },
      'tls: failed to verify certificate: x509: certificate relies on legacy Common Name field, use SANs instead',
    ],
    [
      { code: 'tls.wrong_name', host: 'reg.io', names: [], commonNameOnly: false },
      'tls: failed to verify certificate: x509: certificate is not valid for any names, but wanted to match reg.io',
    ],
    [
      { code: 'tls.wrong_name', host: '10.0.0.1', names: ['10.0.0.2'], commonNameOnly: false },
      'tls: failed to verify certificate: x509: certificate is valid for 10.0.0.2, not 10.0.0.1',
    ],
    [
      {
        code: 'tls.not_yet_valid',
        host: 'h',
        subject: '',
        notBefore: '2027-01-01T00:00:00Z',
        now: '2026-01-01T00:00:00.999Z',
      },
      'tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-01-01T00:00:00Z is before 2027-01-01T00:00:00Z',
    ],
    [
      { code: 'proxy.unreachable', proxy: 'p', cause: refused },
      'proxyconnect tcp: dial tcp 10.0.0.9:3128: connect: connection refused',
    ],
    [
      { code: 'proxy.refused', proxy: 'p', target: 't', status: 407, reason: 'Proxy Authentication Required' },
      'Proxy Authentication Required',
    ],
    [{ code: 'api.timed_out', host: 'h', afterMs: 30_000 }, 'net/http: timeout awaiting response headers'],
  ])('%j', (fault, text) => {
    expect(goError(fault, engine)).toBe(text);
  });

  test('what Go has no words for is called by its code', () => {
    expect(goError({ code: 'auth.empty_token', realm: 'r' }, engine)).toBe('auth.empty_token');
    expect(faultCodes).toContain('auth.empty_token');
  });
});
