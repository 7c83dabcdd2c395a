// What the Tab key offers. checks/completion.mjs presses it in bash, zsh and fish.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, expect, test } from '@jest/globals';

const bin = path.join(import.meta.dirname, '..', 'dist', 'bin.js');
const dir = mkdtempSync(path.join(tmpdir(), 'ekiben-completion-'));
afterAll(() => rmSync(dir, { recursive: true }));
const env = { ...process.env, EKIBEN_HOME: path.join(dir, 'home'), PATH: `${dir}:${process.env['PATH'] ?? ''}` };
writeFileSync(path.join(dir, 'ekiben'), `#!/bin/sh\nexec '${process.execPath}' '${bin}' "$@"\n`);
chmodSync(path.join(dir, 'ekiben'), 0o755);
const archive = (name: string) => path.join(import.meta.dirname, 'fixtures', name);
spawnSync('ekiben', ['models', 'import', archive('credit_risk_model.bentomodel')], { env });
spawnSync('ekiben', ['import', archive('credit_risk_classifier.bento')], { env });
spawnSync('ekiben', ['models', 'alias', 'credit_risk_model', 'production'], { env });

const complete = (...words: string[]) =>
  spawnSync('ekiben', ['_complete', '--', ...words], { env, encoding: 'utf8' })
    .stdout.split('\n')
    .filter(Boolean);

test.each([
  [['ser'], ['serve']],
  [['models', 'ver'], ['verify']],
  [['models', 'get', 'cred'], ['credit_risk_model']],
  [
    ['models', 'get', 'credit_risk_model:'],
    ['credit_risk_model:latest', 'credit_risk_model:production', 'credit_risk_model:sizn5hxhsk3i4ax4'],
  ],
  [['models', 'delete', 'a,credit_risk_model:s'], ['a,credit_risk_model:sizn5hxhsk3i4ax4']],
  [['models', 'delete', 'a', 'cred'], ['credit_risk_model']],
  [
    ['models', 'list', '-o', ''],
    ['json', 'yaml', 'table'],
  ],
  [['models', 'list', '-o', 'json', 'cred'], ['credit_risk_model']],
  [['models', 'list', '--mod'], ['--module']],
  [['get', ''], ['credit_risk_classifier']],
  [['delete', 'credit_risk_classifier:q'], ['credit_risk_classifier:qmvacohhsoe6aax4']],
  [
    ['completion', ''],
    ['bash', 'zsh', 'fish'],
  ],
  [['models', 'import', ''], []],
  [['models', 'get', '../'], []],
  [['models', 'get', '..:'], []],
])('%j is completed by %j', (words, expected) => {
  expect(complete(...words)).toEqual(expected);
});

test('bash completes tags across its word break at the colon', () => {
  const script = `source <(ekiben completion bash)
    t() { COMP_LINE="$1"; COMP_POINT=\${#1}; COMPREPLY=(); _ekiben_completion; echo "\${COMPREPLY[*]}"; }
    t "ekiben models get cred"; t "ekiben models get credit_risk_model:p"; t "ekiben models list -o "; t "ekiben models import "`;
  const { stdout } = spawnSync('bash', ['-c', script], { env, encoding: 'utf8' });
  expect(stdout.split('\n')).toEqual(['credit_risk_model', 'production', 'json yaml table', '', '']);
});

test('an unknown shell is wrong usage', () => {
  expect(spawnSync('ekiben', ['completion', 'tcsh'], { env, encoding: 'utf8' })).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('bash, zsh, fish'),
  });
});
