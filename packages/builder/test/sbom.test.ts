// Against the schemas that CycloneDX publishes (in npm's @cyclonedx/cyclonedx-library 10.3.0, Apache-2.0).
import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { library, replaced, sbom, type Bill } from '../src/sbom.ts';
import { facts, sha512 } from './facts.ts';

const schema = async (name: string): Promise<object> =>
  JSON.parse(await readFile(new URL(`fixtures/cyclonedx/${name}.schema.json`, import.meta.url), 'utf8')) as object;

const ajv = new Ajv({ strict: false, formats: { 'iri-reference': true, 'idn-email': true } });
addFormats.default(ajv);
// As the main schema refers to them.
ajv.addSchema(await schema('spdx'), 'http://cyclonedx.org/schema/spdx.SNAPSHOT.schema.json');
ajv.addSchema(await schema('jsf-0.82'), 'http://cyclonedx.org/schema/jsf-0.82.SNAPSHOT.schema.json');
const validate = ajv.compile(await schema('bom-1.6'));

test('is what CycloneDX 1.6 says', () => {
  validate(sbom('risk', facts()));
  expect(validate.errors).toBeNull();
});

test('lists packages inside the bundle and outside of it, and models', () => {
  expect(sbom('risk', facts())).toMatchObject({
    components: [
      {
        type: 'library',
        group: '@scope',
        name: 'plain',
        version: '1.0.0',
        purl: 'pkg:npm/%40scope/plain@1.0.0',
        licenses: [{ license: { name: 'SEE LICENSE IN x' } }],
      },
      {
        name: 'native',
        licenses: [{ expression: 'MIT' }],
        hashes: [{ alg: 'SHA-512', content: Buffer.from(sha512.slice(7), 'base64').toString('hex') }],
      },
      { type: 'machine-learning-model', name: 'risk', version: 'a' },
      { type: 'machine-learning-model', name: 'risk', version: 'b' },
    ],
  });
});

test('another platform’s packages come in place of those that go', () => {
  const bill = sbom('risk', facts()) as Bill;
  const names = ({ components }: Bill) => components.map((each) => each['bom-ref']);
  const come = library('@img/sharp-linux-arm64@1.0.0', { name: '@img/sharp-linux-arm64', version: '1.0.0' }, sha512);
  const [first] = bill.components;
  const other = replaced(bill, first === undefined ? [] : [first], [come]);
  expect(names(other)).toContain('pkg:npm/%40img/sharp-linux-arm64@1.0.0');
  expect(names(other)).not.toContain(first?.['bom-ref']);
  expect(other.components.length).toBe(bill.components.length);
  expect(other.dependencies[0]?.dependsOn).toEqual(names(other));
  expect(names(replaced(bill, [], []))).toEqual(names(bill));
});
