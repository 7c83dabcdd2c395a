import { expect, test } from '@jest/globals';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseImageSource } from '../src/images/oci.ts';
import { formatReference, parseReference } from '../src/images/reference.ts';
import { temporary } from './support.ts';

const digest = `sha256:${'a'.repeat(64)}`;

test.each([
  ['node', 'docker.io/library/node:latest'],
  ['node:20-alpine', 'docker.io/library/node:20-alpine'],
  ['team/risk:1.0', 'docker.io/team/risk:1.0'],
  ['index.docker.io/team/risk', 'docker.io/team/risk:latest'],
  ['localhost/risk', 'localhost/risk:latest'],
  ['localhost:5000/team/risk:1', 'localhost:5000/team/risk:1'],
  ['ghcr.io/team/sub/risk_classifier:V1', 'ghcr.io/team/sub/risk_classifier:V1'],
  ['[::1]:5000/risk:1', '[::1]:5000/risk:1'],
  [`gcr.io/a/b@${digest}`, `gcr.io/a/b@${digest}`],
  [`gcr.io/a/b:1@${digest}`, `gcr.io/a/b:1@${digest}`],
])('%s is %s', (text, full) => {
  expect(formatReference(parseReference(text))).toBe(full);
  expect(formatReference(parseReference(full))).toBe(full);
});

test.each([
  '',
  ':1',
  'Team/Risk',
  'risk:',
  'risk: 1',
  'a//b',
  'ghcr.io/../b',
  'ghcr.io/a/b?c=d',
  'user@host.example.com/a/b',
  'host.example.com:port/a',
  'risk@sha256:abc',
  `risk:${'a'.repeat(129)}`,
  `a/${'b'.repeat(255)}`,
  'a\nb',
])('%j is no image', (text) => {
  expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: 'EKIBEN_IMAGE_NAME_INVALID' }));
});

test('a base is named as Skopeo names it', async () => {
  const directory = await temporary();
  mkdirSync(join(directory, 'layout'));
  expect(parseImageSource('node:20')).toEqual({ kind: 'registry', reference: 'node:20' });
  expect(parseImageSource('docker://ghcr.io/a/b')).toEqual({ kind: 'registry', reference: 'ghcr.io/a/b' });
  expect(parseImageSource('oci:some/where')).toEqual({ kind: 'layout', path: 'some/where', name: undefined });
  expect(parseImageSource('oci:some/where:1.0')).toEqual({ kind: 'layout', path: 'some/where', name: '1.0' });
  expect(parseImageSource('oci-archive:a.tar')).toEqual({ kind: 'archive', path: 'a.tar' });
  expect(parseImageSource('docker-archive:a.tar')).toEqual({ kind: 'archive', path: 'a.tar' });
  expect(parseImageSource(join(directory, 'layout'))).toEqual({ kind: 'layout', path: join(directory, 'layout') });
  expect(parseImageSource('./base.tar')).toEqual({ kind: 'archive', path: './base.tar' });
  expect(() => parseImageSource('UPPER:1')).toThrow();
});
