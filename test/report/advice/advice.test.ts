import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { faultCodes, ownerOf } from '#report/fault.ts';
import type { Fault } from '#report/fault.ts';
import { remedyInFull } from '#report/report.ts';
import { adviceFor, faultTable, faultTextOf } from '#report/advice/advice.ts';
import type { About } from '#report/advice/advice.ts';
import { exampleAbout, examples } from '#report/advice/examples.ts';

const none: About = { requestedBy: [] };
const web: About = {
  image: 'reg.example:5000/shop/web:1',
  reference: 'reg.example:5000/shop/web:1',
  registry: 'reg.example:5000',
  requestedBy: [{ kind: 'Deployment', namespace: 'shop', name: 'web', part: 'container web' }],
};
const at = (registry: string, image = `${registry}/a/b:1`): About => ({ ...web, registry, image, reference: image });
const remedy = (fault: Fault, about: About = web): string => remedyInFull(adviceFor(fault, about));
const cause = (fault: Fault, about: About = web): string => adviceFor(fault, about).cause;

describe.each(faultCodes)('%s', (code) => {
  const advice = adviceFor(examples[code], exampleAbout(code));

  test('begins its remedy with one sentence to act on', () => {
    expect(advice.remedy).toMatch(/\.$/);
    expect(advice.remedy.replaceAll(/`[^`]*`/g, '')).not.toMatch(/\. [A-Z]/);
  });

  test('has a cause and a remedy in whole sentences, of a length that people read', () => {
    for (const text of [advice.cause, remedyInFull(advice), faultTextOf[code].meaning]) {
      expect(text).toMatch(/^\S.*[.:]$|^\S.*`\.$/);
      expect(text.length).toBeLessThan(720);
      expect(text).not.toMatch(/undefined|\[object|NaN| {2}|\.\.$/);
    }
    expect(faultTextOf[code].next.length).toBeLessThanOrEqual(42);
    expect(faultTextOf[code].shows).not.toBe('');
  });

  test('knows whose door to knock on', () => {
    expect(advice.owner).toBe('cause' in examples[code] ? 'network' : ownerOf(code));
  });

  test('has words also where next to nothing is known about the image', () => {
    expect(remedyInFull(adviceFor(examples[code], none))).not.toMatch(/undefined|\[object| {2}/);
  });
});

describe('what people look up by hand today is in the advice', () => {
  const required: Fault = { code: 'auth.required', host: 'reg.example:5000', scheme: 'Basic' };
  const denied = (host: string): Fault => ({
    code: 'auth.denied',
    host,
    as: 'pull secret shop/s, key k, user u',
    status: 403,
    message: '',
  });
  const noName = (host: string): Fault => ({ code: 'dns.not_found', host, server: '10.0.0.2:53', asked: [`${host}.`] });

  test('a private image: both commands, with namespace and server key', () => {
    expect(remedy(required)).toContain(
      '`kubectl -n shop create secret docker-registry pull-secret --docker-server=reg.example:5000 --docker-username=USER --docker-password=PASSWORD`',
    );
    expect(remedy(required)).toContain(
      `\`kubectl -n shop patch serviceaccount default -p '{"imagePullSecrets":[{"name":"pull-secret"}]}'\``,
    );
    expect(remedy(required)).toContain('(container web of Deployment shop/web)');
  });
  test('Docker Hub has a server key of its own', () => {
    expect(remedy(required, at('docker.io'))).toContain('--docker-server=https://index.docker.io/v1/ ');
  });
  test('a missing secret is created under the name that the Pod uses, in the namespace where it looks', () => {
    const text = remedy({ code: 'credential.secret_missing', secret: 'hub', namespace: 'dev' });
    expect(text).toContain('kubectl -n dev create secret docker-registry hub ');
    expect(text).toContain('cannot use secrets of other namespaces');
  });
  test('a secret of the wrong type is deleted and made anew', () => {
    const text = remedy({
      code: 'credential.secret_ignored',
      secret: 'hub',
      namespace: 'dev',
      why: 'its type is Opaque',
    });
    expect(text).toContain(
      '`kubectl -n dev delete secret hub`, then `kubectl -n dev create secret docker-registry hub ',
    );
  });
  test('old credentials: which secret, and that there is no anonymous try', () => {
    const fault: Fault = {
      code: 'auth.rejected',
      host: 'ghcr.io',
      as: 'pull secret shop/hub, key ghcr.io, user ci',
      status: 401,
      message: '',
    };
    expect(cause(fault)).toContain('pull secret shop/hub, key ghcr.io, user ci');
    expect(remedy(fault, at('ghcr.io'))).toContain('`kubectl -n shop delete secret hub`');
    expect(remedy(fault, at('ghcr.io'))).toContain('never tries without');
    expect(remedy(fault, at('ghcr.io'))).toContain('read:packages');
  });
  test('a token service that refuses anonymous users means: private, or not there', () => {
    const fault: Fault = { code: 'auth.rejected', host: 'ghcr.io', as: 'anonymous', status: 401, message: '' };
    expect(remedy(fault, at('ghcr.io'))).toContain('The image is private, or does not exist.');
  });
  test.each([
    ['123456789012.dkr.ecr.eu-west-1.amazonaws.com', /12 hours/, /role/],
    ['gcr.io', /artifactregistry\.reader/, /workload identity/],
    ['europe-west1-docker.pkg.dev', /artifactregistry\.reader/, /workload identity/],
    ['ghcr.io', /read:packages/, /visibility/],
    ['docker.io', /access token/, /private repository/],
    ['shop.azurecr.io', /AcrPull/, /network rules/],
    ['quay.io', /robot account/, /Read/],
  ])('permission on %s', (registry, one, two) => {
    expect(remedy(denied(registry), at(registry))).toMatch(one);
    expect(remedy(denied(registry), at(registry))).toMatch(two);
  });
  test('a name without a registry is explained', () => {
    const fault: Fault = {
      code: 'manifest.unknown_repository',
      image: 'docker.io/library/app:1',
      host: 'registry-1.docker.io',
      message: '',
    };
    const about: About = { ...web, image: 'app:1', reference: 'docker.io/library/app:1', registry: 'docker.io' };
    expect(cause(fault, about)).toContain('You wrote `app:1`, which means docker.io/library/app:1.');
    expect(cause(fault, { ...about, image: 'docker.io/library/app:1' })).not.toContain('You wrote');
  });
  test('no tag means latest', () => {
    const fault: Fault = {
      code: 'manifest.unknown_tag',
      image: 'reg.example/app:latest',
      host: 'reg.example',
      message: '',
    };
    expect(remedy(fault, { ...web, image: 'reg.example/app' })).toContain('No tag is written, so latest is meant');
    expect(cause(fault)).toContain('no tag latest');
  });
  test.each(['registry.tools.svc', 'registry.tools.svc.cluster.local', 'registry.tools.svc:5000'])(
    '%s is a name of the cluster',
    (host) => {
      expect(remedy(noName(host))).toContain('do not use cluster DNS');
    },
  );
  test('a name that merely begins so is none', () => {
    expect(remedy(noName('svc.example.com'))).not.toContain('cluster DNS');
  });
  test('a blocked address: the hosts to allow, and what NetworkPolicies have to do with it', () => {
    const text = remedy({ code: 'tcp.timed_out', address: '3.3.3.3', port: 443, afterMs: 30_000 }, at('docker.io'));
    for (const host of [
      'registry-1.docker.io',
      'auth.docker.io',
      'production.cloudflare.docker.com',
      'production.cloudfront.docker.com',
    ]) {
      expect(text).toContain(host);
    }
    expect(text).toContain('NetworkPolicies do not touch this');
  });
  test('a blocked blob host is named, with the others of that registry', () => {
    const fault: Fault = {
      code: 'blob.redirect_failed',
      digest: 'sha256:1',
      host: 'ghcr.io',
      target: 'https://pkg-containers.githubusercontent.com/x?sig=canary',
      cause: noName('pkg-containers.githubusercontent.com'),
    };
    expect(cause(fault, at('ghcr.io'))).toContain('redirects layers to pkg-containers.githubusercontent.com');
    expect(remedy(fault, at('ghcr.io'))).toContain(
      'a firewall must let through ghcr.io, pkg-containers.githubusercontent.com',
    );
    expect(JSON.stringify(adviceFor(fault, at('ghcr.io')))).not.toContain('canary');
  });
  test('plain HTTP: file and line to write', () => {
    const text = remedy({ code: 'tls.not_tls', host: 'reg.example', port: 5000 });
    expect(text).toContain('[host."http://reg.example:5000"]');
    expect(text).toContain('/etc/containerd/certs.d/reg.example:5000/hosts.toml');
  });
  test('a private authority: file, line, and no restart', () => {
    const text = remedy({
      code: 'tls.untrusted',
      host: 'reg.example:5000',
      subject: 'CN=r',
      issuer: 'CN=ca',
      trustedFrom: ['/etc/ssl/x.pem'],
    });
    expect(text).toContain('/etc/containerd/certs.d/reg.example:5000/hosts.toml');
    expect(text).toContain('ca = "ca.crt"');
    expect(text).toContain('without a restart');
  });
  test('an authority that was made anew under its old name: the reason', () => {
    const nearMiss = { authority: 'ca', why: 'crypto/rsa: verification error' };
    const fault: Fault = {
      code: 'tls.untrusted',
      host: 'reg.example',
      subject: 'CN=r',
      issuer: 'CN=ca',
      trustedFrom: ['/etc/ssl/x.pem'],
      nearMiss,
    };
    expect(adviceFor(fault, at('reg.example')).cause).toBe(
      'The certificate of reg.example is issued by CN=ca; there is a certificate of the name ca, which is not its issuer (crypto/rsa: verification error).',
    );
  });
  test('a wrong proxy: file, and that containerd must be restarted', () => {
    const text = remedy({
      code: 'proxy.refused',
      proxy: 'http://u:canary@p:1',
      target: 'x:443',
      status: 407,
      reason: '',
    });
    expect(text).toContain('containerd.service.d/http-proxy.conf');
    expect(text).toContain('systemctl daemon-reload && systemctl restart containerd');
  });
  test.each([
    ['192.0.2.1', 'the address 192.0.2.1', 'behind one NAT'],
    ['2001:db8:1:2::', 'the address 2001:db8:1:2::', 'behind one NAT'],
    ['8d4c2a6e-account', 'the account 8d4c2a6e-account', 'counts against the account'],
  ])('a rate limit says against whom it counts: %s', (source, inCause, inRemedy) => {
    const fault: Fault = {
      code: 'api.rate_limited',
      host: 'registry-1.docker.io',
      status: 429,
      limit: { scope: 'quota', limit: 100, windowS: 21_600, source },
      message: '',
    };
    expect(cause(fault, at('docker.io'))).toContain(`(100 in 6 h), counted against ${inCause}`);
    expect(remedy(fault, at('docker.io'))).toContain(inRemedy);
  });
  test('a locked account needs time and another secret', () => {
    const fault: Fault = {
      code: 'api.rate_limited',
      host: 'auth.docker.io',
      status: 429,
      limit: { scope: 'login' },
      message: '',
    };
    expect(remedy(fault)).toContain('Wait 15 minutes');
  });
  test('a missing platform: which there are, and how to build the one', () => {
    const fault: Fault = {
      code: 'manifest.no_platform',
      platform: 'linux/arm64',
      offered: ['linux/amd64', 'linux/s390x'],
      digest: 'sha256:1',
    };
    expect(cause(fault)).toBe('There is no build for linux/arm64. There are builds for linux/amd64, linux/s390x.');
    expect(remedy(fault)).toContain('--platform linux/arm64');
  });
  test.each([
    ['https://ghcr.io/a/b', 'write ghcr.io/a/b'],
    ['ghcr.io/Owner/App:V1', 'ghcr.io/owner/app:V1'],
    [' nginx', 'Remove the blanks'],
    ['nginx\u200b', 'Remove the blanks'],
    ['{{ .Values.image }}', 'template variable'],
    ['$IMAGE', 'template variable'],
    ['a//b', 'The form is REGISTRY/REPOSITORY:TAG'],
  ])('a malformed reference is mended: %j', (image, text) => {
    expect(remedy({ code: 'image.malformed', image, why: 'invalid reference format' })).toContain(text);
  });
});

describe('advice does no harm', () => {
  test.each(['http://u:hunter2@p:3128', 'u:hunter2@p:3128', 'http://u:hun@ter2@p:1', 'http://u:hunter2@p:x'])(
    "a proxy's password is not shown: %s",
    (value) => {
      const proxied: Fault[] = [
        { code: 'proxy.malformed', value, why: 'invalid port' },
        { code: 'proxy.refused', proxy: value, target: 't', status: 403, reason: '' },
        { code: 'proxy.unreachable', proxy: value, cause: { code: 'tcp.refused', address: '::1', port: 1 } },
      ];
      expect(JSON.stringify(proxied.map((fault) => adviceFor(fault, web)))).not.toMatch(/hun|ter2/);
    },
  );

  test('what stands in a command is a plain word, whatever the names are', () => {
    const hostile = fc.oneof(
      fc.string(),
      fc.constantFrom('$(reboot)', '`reboot`', '"; reboot', "' reboot", '--all', 'a b', '../x', 'x\u001b[2J'),
    );
    fc.assert(
      fc.property(hostile, hostile, fc.constantFrom(...faultCodes), (name, registry, code) => {
        const about: About = {
          image: name,
          registry,
          requestedBy: [{ kind: name, namespace: name, name, part: name }],
        };
        const faults: Fault[] = [
          examples[code],
          { code: 'credential.secret_ignored', secret: name, namespace: name, why: name },
          { code: 'auth.rejected', host: name, as: `pull secret ${name}/${name}, key x`, status: 401, message: name },
          { code: 'manifest.no_platform', platform: name, offered: [name], digest: name },
          { code: 'credential.provider_failed', provider: name, why: name },
        ];
        for (const fault of faults) {
          const advice = adviceFor(fault, about);
          const [why, todo] = [advice.cause, remedyInFull(advice)];
          expect(why + todo).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
          for (const [, command = ''] of todo.matchAll(/`((?:kubectl|docker|journalctl|ping)[^`]*)`/g)) {
            expect(command).toMatch(/^[\w .,:/@=…|{}"'[\]-]+$/);
            expect(command).not.toMatch(/reboot[^-\w]|--all/);
          }
        }
      }),
    );
  });

  test('a message without end is cut', () => {
    expect(
      cause({ code: 'api.unavailable', host: 'h', status: 503, message: 'x'.repeat(100_000) }).length,
    ).toBeLessThan(400);
  });
});

test('the table has one row a fault, and no cell breaks it', () => {
  const rows = faultTable().split('\n');
  expect(rows).toHaveLength(faultCodes.length + 2);
  for (const row of rows) expect(row.replaceAll('\\|', '').match(/\|/g)).toHaveLength(5);
});
