import { constants } from 'node:os';
import { errors } from 'undici';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wireFault, type Spot } from '#registry/fault.ts';

const spot: Spot = { host: 'reg.example', address: '192.0.2.1', port: 443, failurePoint: 'response', afterMs: 7 };
const place = { address: '192.0.2.1', port: 443 };

function failing(code: string, message = 'server text: do not repeat'): Error {
  return Object.assign(new Error(message), { code });
}

describe('an error by its code', () => {
  it.each([
    ['UND_ERR_ABORT', { code: 'agent.out_of_time', step: 'response', afterMs: 7 }],
    ['ECONNREFUSED', { code: 'tcp.refused', ...place }],
    ['ETIMEDOUT', { code: 'tcp.timed_out', ...place, afterMs: 7 }],
    ['ECONNRESET', { code: 'tcp.reset', ...place, failurePoint: 'response' }],
    ['ECONNABORTED', { code: 'tcp.reset', ...place, failurePoint: 'response' }],
    ['EPIPE', { code: 'tcp.reset', ...place, failurePoint: 'response' }],
    ['ENOTCONN', { code: 'tcp.closed', ...place, failurePoint: 'response' }],
    ['EHOSTUNREACH', { code: 'tcp.unreachable', ...place, why: 'no route to host' }],
    ['ENETUNREACH', { code: 'tcp.unreachable', ...place, why: 'network is unreachable' }],
    ['EHOSTDOWN', { code: 'tcp.unreachable', ...place, why: 'host is down' }],
    ['ENETDOWN', { code: 'tcp.unreachable', ...place, why: 'network is down' }],
    ['EADDRNOTAVAIL', { code: 'tcp.unreachable', ...place, why: 'cannot assign requested address' }],
    ['EAFNOSUPPORT', { code: 'tcp.unreachable', ...place, why: 'address family not supported by protocol' }],
    ['EACCES', { code: 'tcp.unreachable', ...place, why: 'permission denied' }],
    ['EPERM', { code: 'tcp.unreachable', ...place, why: 'operation not permitted' }],
    ['EINVAL', { code: 'tcp.unreachable', ...place, why: 'invalid argument' }],
    ['EMFILE', { code: 'agent.cannot_see', what: 'the network', why: 'too many open files' }],
    ['ENOBUFS', { code: 'agent.cannot_see', what: 'the network', why: 'no buffer space available' }],
  ])('%s is a fault of its own', (code, fault) => {
    expect(wireFault(failing(code), spot)).toEqual(fault);
  });

  it('of any kind that the system has is a fault of the network or a bug by name', () => {
    for (const code of Object.keys(constants.errno)) {
      const fault = wireFault(failing(code), spot);
      expect(fault.code).toMatch(/^(tcp\.|agent\.)/);
      if (fault.code === 'agent.bug') expect(fault.what).toBe(`Error ${code}`);
    }
  });
});

describe('an error of undici', () => {
  it.each([
    [new errors.ConnectTimeoutError(), 'tcp.timed_out'],
    [new errors.HeadersTimeoutError(), 'api.timed_out'],
    [new errors.BodyTimeoutError(), 'api.timed_out'],
    [new errors.HeadersOverflowError(), 'api.malformed'],
    [new errors.ResponseExceededMaxSizeError(), 'api.malformed'],
    [new errors.ResponseContentLengthMismatchError(), 'api.malformed'],
    [new errors.SocketError('other side closed'), 'tcp.closed'],
    [new errors.SocketError('bad response'), 'api.malformed'],
    [new errors.SocketError('bad upgrade'), 'api.malformed'],
    [new errors.RequestAbortedError(), 'agent.out_of_time'],
    [new errors.ClientDestroyedError(), 'agent.out_of_time'],
    [new errors.ClientClosedError(), 'agent.out_of_time'],
    [new errors.HTTPParserError('Response does not match the HTTP/1.1 protocol (Invalid EOF state)'), 'tcp.closed'],
    [failing('HPE_INVALID_CONSTANT', 'Response does not match the HTTP/1.1 protocol (Bad)'), 'api.malformed'],
    [new errors.InvalidArgumentError('x'), 'agent.bug'],
    [new errors.InvalidReturnValueError('x'), 'agent.bug'],
    [new errors.InformationalError('x'), 'agent.bug'],
    [new errors.NotSupportedError('x'), 'agent.bug'],
    [new errors.RequestContentLengthMismatchError(), 'agent.bug'],
    [new errors.BalancedPoolMissingUpstreamError(), 'agent.bug'],
    [new errors.UndiciError('x'), 'agent.bug'],
  ])('%s is %s', (error, code) => {
    expect(wireFault(error, spot).code).toBe(code);
  });

  it('about a length that is not reached is an end where the body had begun', () => {
    const error = new errors.ResponseContentLengthMismatchError();
    expect(wireFault(error, { ...spot, failurePoint: 'body' })).toEqual({
      code: 'tcp.closed',
      ...place,
      failurePoint: 'body',
    });
  });
});

describe('an error of OpenSSL', () => {
  it.each([
    ['ERR_SSL_WRONG_VERSION_NUMBER', { code: 'tls.not_tls', host: 'reg.example', port: 443 }],
    ['ERR_SSL_PACKET_LENGTH_TOO_LONG', { code: 'tls.not_tls', host: 'reg.example', port: 443 }],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', { code: 'tls.client_rejected', alert: 'certificate required' }],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', { code: 'tls.client_rejected', alert: 'unknown certificate authority' }],
    ['ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', { code: 'tls.client_rejected', alert: 'bad certificate' }],
    ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', { code: 'tls.client_rejected', alert: 'expired certificate' }],
    [
      'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
      { code: 'tls.handshake_failed', why: 'remote error: tls: handshake failure' },
    ],
    [
      'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE',
      { code: 'tls.handshake_failed', why: 'remote error: tls: handshake failure' },
    ],
    [
      'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
      { code: 'tls.handshake_failed', why: 'remote error: tls: protocol version not supported' },
    ],
    ['ERR_SSL_TLSV1_UNRECOGNIZED_NAME', { code: 'tls.handshake_failed', why: 'remote error: tls: unrecognized name' }],
    ['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', { code: 'tls.handshake_failed', why: 'remote error: tls: internal error' }],
    [
      'ERR_SSL_UNSUPPORTED_PROTOCOL',
      { code: 'tls.handshake_failed', why: 'tls: server selected unsupported protocol version' },
    ],
    ['ERR_SSL_SOMETHING_NEW', { code: 'tls.handshake_failed', why: 'tls: something new' }],
  ])('%s is known by its reason', (code, fault) => {
    expect(wireFault(failing(code), spot)).toMatchObject(fault);
  });
});

describe('anything else', () => {
  it.each([
    [new TypeError('x'), { code: 'agent.bug', where: 'wire', what: 'TypeError' }],
    [failing('ERR_INVALID_ARG_TYPE'), { code: 'agent.bug', where: 'wire', what: 'Error ERR_INVALID_ARG_TYPE' }],
    ['a string', { code: 'agent.bug', where: 'wire', what: 'string' }],
    [undefined, { code: 'agent.bug', where: 'wire', what: 'undefined' }],
    [Object.assign(new Error('x'), { code: 42 }), { code: 'agent.bug', where: 'wire', what: 'Error' }],
    [failing('constructor'), { code: 'agent.bug', where: 'wire', what: 'Error constructor' }],
  ])('%s is our bug, by name', (error, fault) => {
    expect(wireFault(error, spot)).toEqual(fault);
  });

  it('is never quoted: what the other side sent stays out of the fault', () => {
    fc.assert(
      fc.property(fc.string(), (code) => {
        expect(JSON.stringify(wireFault(failing(code), spot))).not.toContain('do not repeat');
      }),
    );
  });
});
