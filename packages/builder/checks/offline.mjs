// A bento is exported, imported into a clean home, and served in production mode where there is no network and no project any more:
// the 3,000 answers that Python gave. The project is a real one, its packages packed and installed by npm, and is deleted before.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BentoStore } from '@ekiben/store';
import { check, finish, run, temporary } from '../../store/checks/harness.mjs';
import { copyExample, ekiben, expectedAnswers, homeWithModel, post, startServer, treeOf } from './projects.mjs';

const answers = expectedAnswers();
const work = temporary();
const project = copyExample(join(work, 'project'));
const archive = join(work, 'credit.bento');
const builtIn = await homeWithModel();
const inHome = (home) => ({ ...process.env, EKIBEN_HOME: home, HOME: home, BENTOML_HOME: undefined });

run(process.execPath, [ekiben, 'build', '--quiet'], { cwd: project, env: inHome(builtIn) });
run(process.execPath, [ekiben, 'export', 'credit_risk_classifier:latest', archive], {
  cwd: work,
  env: inHome(builtIn),
});
rmSync(project, { recursive: true });
rmSync(builtIn, { recursive: true });

const home = temporary();
run(process.execPath, [ekiben, 'import', archive], { cwd: home, env: inHome(home) });
const bento = await new BentoStore(home).get('credit_risk_classifier');
const before = treeOf(bento.path);

/**
 * In a network namespace of its own, where only loopback is and nothing of this repository can be read; what asks runs in there too.
 */
async function askAll(name, args, options = {}) {
  await check(name, async () => {
    const client = join(import.meta.dirname, 'ask.mjs');
    const up = `${findIp()} link set lo up && exec "$0" "$@"`;
    const inside = [
      '--net',
      'sh',
      '-c',
      up,
      process.execPath,
      client,
      JSON.stringify({ args, hide: options.hide ?? [] }),
    ];
    const output = run('unshare', inside, { cwd: home, env: { ...inHome(home), ...options.env } });
    const found = JSON.parse(output.trim().split('\n').at(-1));
    assert.deepEqual(found.network, 'none');
    assert.equal(found.statuses.length, 3000);
    assert.deepEqual(
      found.statuses,
      answers.map(({ status }) => status),
    );
  });
}

function findIp() {
  return ['/usr/sbin/ip', '/sbin/ip', '/usr/bin/ip'].find((path) => existsSync(path)) ?? 'ip';
}

const server = join(bento.path, bento.node.server);
await askAll('by tag, with workers, without a network', [
  ekiben,
  'serve',
  'credit_risk_classifier:latest',
  '--production',
  '--api-workers',
  '2',
]);
await askAll('by itself, with nothing of this repository', [server, 'serve', '--production', '--api-workers', '2'], {
  hide: [join(import.meta.dirname, '../../..')],
});

await check('from a .bento file, which comes into no store', async () => {
  const empty = temporary();
  const running = await startServer(process.execPath, [ekiben, 'serve', archive, '--port', '0'], {
    env: inHome(empty),
    cwd: work,
  });
  const [{ application, status }] = answers;
  assert.deepEqual(await post(`${running.url}/classify`, application), { Status: status });
  const [code] = await running.stop();
  assert.equal(code, 0);
  assert.deepEqual(readdirSync(empty), []);
});

await check('a server left the bento as it was', () => {
  assert.deepEqual(treeOf(bento.path), before);
  assert.match(
    run(process.execPath, [ekiben, 'verify', 'credit_risk_classifier'], { cwd: home, env: inHome(home) }),
    /intact/,
  );
});

finish();
