/**
 * The software bill of materials of the bundle, as SPDX 2.3: the packages of which esbuild's metafile names a file, with what
 * package-lock.json says of them. The same commit gives the same text.
 *
 * Usage: node scripts/sbom.ts METAFILE >sbom.spdx.json; node scripts/sbom.ts METAFILE --check sbom.spdx.json
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import packageJson from '../package.json' with { type: 'json' };
import { type BuildInfo, buildInfo } from './build-info.ts';
import { bundledPackages, type Metafile, packageName } from './bundled.ts';

export interface Lockfile {
  readonly packages: Readonly<
    Record<string, { readonly version?: string; readonly integrity?: string; readonly license?: string }>
  >;
}

export interface Sbom {
  readonly packages: readonly { readonly name: string; readonly versionInfo: string }[];
  readonly [field: string]: unknown;
}

export function sbomOf(metafile: Metafile, lockfile: Lockfile, { commit, built }: BuildInfo): Sbom {
  const packages = bundledPackages(metafile).map((key) => packageOf(key, lockfile));
  const { name, version, license } = packageJson;
  const own = {
    SPDXID: 'SPDXRef-drypull',
    name,
    versionInfo: version,
    downloadLocation: `${packageJson.repository.url}@${commit}`,
    filesAnalyzed: false,
    licenseConcluded: license,
    licenseDeclared: license,
    copyrightText: 'NOASSERTION',
    primaryPackagePurpose: 'APPLICATION',
    externalRefs: [purl(name, version)],
  };
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: `${name}-${version}`,
    documentNamespace: `${packageJson.homepage}/sbom/${version}/${commit}`,
    creationInfo: { created: built, creators: ['Tool: drypull scripts/sbom.ts'] },
    packages: [own, ...packages],
    relationships: [
      relationship('SPDXRef-DOCUMENT', 'DESCRIBES', own.SPDXID),
      ...packages.map(({ SPDXID }) => relationship(own.SPDXID, 'CONTAINS', SPDXID)),
    ],
  };
}

/** In one sentence each: what is in one of the two and not in the other. Empty: they agree. */
export function differences(sbom: Sbom, metafile: Metafile, lockfile: Lockfile): readonly string[] {
  const listed = new Set(sbom.packages.slice(1).map(({ name, versionInfo }) => `${name}@${versionInfo}`));
  const bundled = new Set(bundledPackages(metafile).map((key) => `${packageName(key)}@${versionOf(key, lockfile)}`));
  return [
    ...[...bundled].filter((one) => !listed.has(one)).map((one) => `${one} is in the bundle and not in the SBOM`),
    ...[...listed].filter((one) => !bundled.has(one)).map((one) => `${one} is in the SBOM and not in the bundle`),
  ];
}

function packageOf(key: string, lockfile: Lockfile) {
  const [name, version] = [packageName(key), versionOf(key, lockfile)];
  const { license = 'NOASSERTION', integrity = '' } = lockfile.packages[key] ?? {};
  const [algorithm = '', hash = ''] = integrity.split('-');
  if (algorithm !== 'sha512') throw new Error(`package-lock.json has no sha512 for ${key}`);
  return {
    SPDXID: `SPDXRef-npm-${`${name}-${version}`.replaceAll(/[^A-Za-z0-9.-]/g, '-')}`,
    name,
    versionInfo: version,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    checksums: [{ algorithm: 'SHA512', checksumValue: Buffer.from(hash, 'base64').toString('hex') }],
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: license,
    copyrightText: 'NOASSERTION',
    primaryPackagePurpose: 'LIBRARY',
    externalRefs: [purl(name, version)],
  };
}

function versionOf(key: string, { packages }: Lockfile): string {
  const version = packages[key]?.version;
  if (version === undefined) throw new Error(`package-lock.json lacks ${key}, of which the bundle has files`);
  return version;
}

function purl(name: string, version: string) {
  const locator = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  return { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: locator };
}

function relationship(from: string, type: string, to: string) {
  return { spdxElementId: from, relationshipType: type, relatedSpdxElement: to };
}

if (import.meta.main) {
  const [metafilePath = '', check, sbomPath = ''] = process.argv.slice(2);
  const metafile = JSON.parse(await readFile(metafilePath, 'utf8')) as Metafile;
  const lockfile = JSON.parse(await readFile(join(import.meta.dirname, '../package-lock.json'), 'utf8')) as Lockfile;
  if (check === '--check') {
    const found = differences(JSON.parse(await readFile(sbomPath, 'utf8')) as Sbom, metafile, lockfile);
    process.stderr.write(found.map((one) => `${one}\n`).join(''));
    process.exitCode = found.length === 0 ? 0 : 1;
  } else {
    process.stdout.write(`${JSON.stringify(sbomOf(metafile, lockfile, buildInfo()), undefined, 2)}\n`);
  }
}
