// Facts of a small project, as build.ts would collect them: what a plan is made of.
import type { Facts } from '../src/facts.ts';
import type { PackageManifest } from '../src/package-root.ts';

export const manifest = (name: string, more: Partial<PackageManifest> = {}): PackageManifest => ({
  name,
  version: '1.0.0',
  license: 'MIT',
  ...more,
});

export const sha512 = `sha512-${Buffer.alloc(64, 7).toString('base64')}`;

export function facts(changes: Partial<Facts> = {}): Facts {
  const native = { dir: '/p/node_modules/native', manifest: manifest('native', { os: ['linux'] }) };
  const placed = { ...native, path: 'node_modules/native', optional: false };
  return {
    bentofile: {
      service: 'src/service.ts:svc',
      name: undefined,
      description: 'Scores **applications**.\n',
      labels: { owner: 'team' },
      include: ['*'],
      exclude: [],
      models: [],
      envs: [{ name: 'REGION', value: 'eu' }],
      node: { packages: [], lockfile: undefined, packageManager: undefined, version: '20', bundle: true },
      docker: {
        distro: 'debian',
        baseImage: undefined,
        nodeVersion: undefined,
        systemPackages: [],
        env: {},
        setupScript: undefined,
        template: undefined,
      },
      notes: [],
    },
    service: {
      name: 'Risk',
      target: 'src/service.ts:svc',
      exportName: 'svc',
      apis: [{ name: 'classify', method: 'POST', path: '/classify', input: 'JSON', output: 'JSON' }],
      runners: [{ name: 'risk', models: ['risk:b'], placement: 'embedded' }],
      openapi: { openapi: '3.0.3' },
    },
    models: [model('risk:a', '2026-01-01T00:00:00.000000+00:00'), model('risk:b', '2026-02-01T00:00:00.000000+00:00')],
    pinnedTags: { 'risk:production': 'risk:b' },
    included: [{ path: 'src/service.ts', source: '/p/src/service.ts', executable: false }],
    bundle: {
      files: new Map([['service.js', Buffer.from('export {}')]]),
      inside: [
        { dir: '/p/node_modules/@scope/plain', manifest: manifest('@scope/plain', { license: 'SEE LICENSE IN x' }) },
      ],
      outside: [native],
      fewFiles: new Map(),
      ours: ['src/service.ts'],
      origin: { files: ['/p/src/service.ts'], outside: [native.dir] },
      server: 'server.js',
      service: 'service.js',
    },
    outside: [{ placed, files: [{ path: 'index.js', source: '/p/node_modules/native/index.js', executable: false }] }],
    locked: [placed],
    tarballs: [],
    lockfile: {
      path: '/p/package-lock.json',
      manager: 'npm',
      packages: new Map([
        ['native@1.0.0', { integrity: sha512, os: ['linux'], cpu: undefined, libc: undefined, isLocal: false }],
      ]),
    },
    platform: { os: 'linux', cpu: 'x64', libc: 'glibc' },
    node: '20',
    builderVersion: '0.1.0',
    ...changes,
  };
}

function model(tag: string, creationTime: string): Facts['models'][number] {
  const [name = '', version = ''] = tag.split(':');
  const files = [{ path: 'model.yaml', source: `/home/models/${name}/${version}/model.yaml`, executable: false }];
  return {
    tag,
    name,
    version,
    module: 'bentoml.xgboost',
    creationTime,
    frameworkVersions: { xgboost: '1.6.2' },
    files,
  };
}
