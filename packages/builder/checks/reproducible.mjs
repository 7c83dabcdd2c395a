// The same project makes the same bytes: in folders of another depth, by another user, under another time zone, locale and umask, on
// the oldest and on a newer Node. All but version and creation time.
import assert from 'node:assert/strict';
import { chmodSync, chownSync, cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BentoStore } from '@ekiben/store';
import { load } from 'js-yaml';
import { check, finish, run, skip, temporary } from '../../store/checks/harness.mjs';
import { copyExample, ekiben, homeWithModel, treeOf } from './projects.mjs';

const NOBODY = 65_534;

/** A build in surroundings of its own; returns the bento's directory. */
async function build({ depth, env = {}, umask = '022', command = [process.execPath], user }) {
  const base = temporary();
  const project = copyExample(join(base, ...depth));
  const home = temporary();
  cpSync(await homeWithModel(), home, { recursive: true });
  if (user !== undefined) {
    for (const folder of [base, home]) giveTo(folder, user);
  }
  const line = [...command, ekiben, 'build', '--quiet'].map((part) => `'${part}'`).join(' ');
  run('sh', ['-c', `umask ${umask} && exec ${line}`], {
    cwd: project,
    env: { ...process.env, EKIBEN_HOME: home, HOME: base, ...env },
    ...(user !== undefined && { uid: user, gid: user }),
  });
  return (await new BentoStore(home).get('credit_risk_classifier')).path;
}

function giveTo(folder, user) {
  for (const name of ['', ...readdirSync(folder, { recursive: true })]) {
    const path = join(folder, name);
    // Links lead to what everybody may read, and nobody but its owner change.
    if (!path.includes('node_modules/')) chownSync(path, user, user);
  }
  chmodSync(folder, 0o755);
}

const first = await build({ depth: ['project'] });
const expected = treeOf(first, { without: ['bento.yaml'] });
const manifestOf = (bento) => load(readFileSync(join(bento, 'bento.yaml'), 'utf8'));

async function same(name, surroundings) {
  await check(name, async () => {
    const bento = await build(surroundings);
    assert.deepEqual([...treeOf(bento, { without: ['bento.yaml'] }).keys()], [...expected.keys()]);
    for (const [file, content] of treeOf(bento, { without: ['bento.yaml'] })) {
      assert.ok(content === expected.get(file), `${file} differs`);
    }
    const { version, creation_time: time, ...rest } = manifestOf(bento);
    const { version: firstVersion, creation_time: firstTime, ...firstRest } = manifestOf(first);
    assert.deepEqual(rest, firstRest);
    assert.match(rest.digest, /^sha256:[0-9a-f]{64}$/);
    assert.notEqual(version, firstVersion);
    assert.notEqual(time, firstTime);
  });
}

await same('again, in a folder of another depth', { depth: ['deep', 'er', 'a folder'] });
await same('under another time zone and locale', {
  depth: ['p'],
  env: { TZ: 'Pacific/Chatham', LC_ALL: 'tr_TR.UTF-8' },
});
await same('under a strict umask', { depth: ['p'], umask: '077' });
await same('under an open umask', { depth: ['p'], umask: '000' });
await same('on Node 24', { depth: ['p'], command: ['npx', '-y', '-p', 'node@24', 'node'] });
if (process.getuid?.() === 0) await same('by another user', { depth: ['p'], user: NOBODY });
else skip('by another user', 'only root can become somebody else');

await check('a change of one character is another digest', async () => {
  const project = copyExample(join(temporary(), 'project'));
  const file = join(project, 'bentofile.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('gallery', 'galleria'));
  const home = await homeWithModel();
  run(process.execPath, [ekiben, 'build', '--quiet'], { cwd: project, env: { ...process.env, EKIBEN_HOME: home } });
  const { path } = await new BentoStore(home).get('credit_risk_classifier');
  assert.notEqual(manifestOf(path).digest, manifestOf(first).digest);
});

finish();
