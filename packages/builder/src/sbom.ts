// What is in the bento, as a bill of materials in CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/). Without serial number and
// time, which the format allows, the same bento has the same bill.
import type { Facts } from './facts.ts';
import type { PackageManifest } from './package-root.ts';

export function sbom(name: string, { bundle, outside, models, lockfile, builderVersion }: Facts): object {
  const packages = new Map<string, PackageManifest>();
  for (const { manifest } of [...bundle.inside, ...outside.map(({ placed }) => placed)]) {
    packages.set(`${manifest.name}@${manifest.version}`, manifest);
  }
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      tools: { components: [{ type: 'application', group: '@ekiben', name: 'builder', version: builderVersion }] },
      component: { type: 'application', 'bom-ref': 'bento', name },
    },
    components: [
      ...[...packages]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([id, manifest]) => library(id, manifest, lockfile.packages.get(id)?.integrity)),
      ...models.map((model) => ({
        type: 'machine-learning-model',
        'bom-ref': `model:${model.tag}`,
        name: model.name,
        version: model.version,
        ...(model.module !== '' && { properties: [{ name: 'ekiben:module', value: model.module }] }),
      })),
    ],
    dependencies: [
      {
        ref: 'bento',
        dependsOn: [...[...packages.keys()].toSorted().map(purl), ...models.map(({ tag }) => `model:${tag}`)],
      },
    ],
  };
}

/** What is read of a bill. */
export interface Bill {
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

export interface Component {
  readonly 'bom-ref': string;
  readonly [key: string]: unknown;
}

/** The bill of a bento with other packages, such as those of another platform. */
export function replaced(bill: Bill, gone: readonly Component[], come: readonly Component[]): Bill {
  const without = new Set(gone.map((each) => each['bom-ref']));
  const isModel = (each: Component): boolean => each['bom-ref'].startsWith('model:');
  const kept = bill.components.filter((each) => !without.has(each['bom-ref']));
  const packages = [...kept.filter((each) => !isModel(each)), ...come];
  const components = [...packages.toSorted((a, b) => (a['bom-ref'] < b['bom-ref'] ? -1 : 1)), ...kept.filter(isModel)];
  const dependsOn = components.map((each) => each['bom-ref']);
  return {
    ...bill,
    components,
    dependencies: bill.dependencies.map((each) => (each.ref === 'bento' ? { ...each, dependsOn } : each)),
  };
}

/** One package. */
export function library(
  id: string,
  { name, version, license }: PackageManifest,
  integrity: string | undefined,
): Component {
  const [group, base = group] = name.startsWith('@') ? name.split('/') : [undefined, name];
  const sha512 = /^sha512-([A-Za-z0-9+/=]+)$/.exec(integrity ?? '')?.[1];
  return {
    type: 'library',
    'bom-ref': purl(id),
    ...(group !== undefined && { group }),
    name: base,
    version,
    ...(sha512 !== undefined && {
      hashes: [{ alg: 'SHA-512', content: Buffer.from(sha512, 'base64').toString('hex') }],
    }),
    ...(typeof license === 'string' && license !== '' && { licenses: [licence(license)] }),
    purl: purl(id),
  };
}

/** An SPDX expression, or words of the package's own. */
function licence(text: string): object {
  return /^[A-Za-z0-9.()+\- ]+$/.test(text) && !/^(?:SEE|UNLICENSED)/i.test(text)
    ? { expression: text }
    : { license: { name: text } };
}

/** https://github.com/package-url/purl-spec: the @ of a scope is escaped. */
function purl(id: string): string {
  const at = id.lastIndexOf('@');
  return `pkg:npm/${id.slice(0, at).replace('@', '%40')}@${encodeURIComponent(id.slice(at + 1))}`;
}
