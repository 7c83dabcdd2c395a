// S3 for real: against a server that checks signatures and checksums, through a wire that can be cut.
import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HeadObjectCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { check, dist, finish, fixtures, isInstalled, packageRoot, run, skip, start, temporary } from './harness.mjs';
import { credentials, startServer } from './versitygw.mjs';

const PORT = 7587;
const { ModelStore } = await import(new URL('index.js', dist));
const { s3 } = await import(new URL('s3.js', dist));
const TAG = 'credit_risk_model:sizn5hxhsk3i4ax4';

if (isInstalled('go', 'golang-go')) await checks(await startServer(PORT));
else skip('S3', 'go, which builds the server, is not installed');
finish();
// The server would keep this process.
process.exit();

/** A wire to the server that may be cut: `cut(bytes)` breaks the next connection after so many bytes of the answer. */
async function startWire(port) {
  let allowance = Infinity;
  let cuts = 0;
  const wire = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    const mine = allowance;
    allowance = Infinity;
    let passed = 0;
    far.on('data', (chunk) => {
      passed += chunk.length;
      if (passed <= mine) near.write(chunk);
      else if (!near.destroyed) {
        cuts++;
        near.resetAndDestroy();
        far.destroy();
      }
    });
    near.on('data', (chunk) => far.write(chunk));
    far.on('end', () => near.end()).on('error', () => near.destroy());
    near.on('close', () => far.destroy()).on('error', () => far.destroy());
  });
  await new Promise((resolve) => wire.listen(0, '127.0.0.1', resolve));
  return { endpoint: `http://127.0.0.1:${wire.address().port}`, cut: (bytes) => (allowance = bytes), cuts: () => cuts };
}

async function checks(server) {
  const { endpoint, files } = server;
  const config = { endpoint, region: 'us-east-1', credentials };
  const transport = s3(config);
  const client = new S3Client({ ...config, forcePathStyle: true });
  const home = temporary();
  const store = new ModelStore(home);
  await store.import(join(fixtures, 'archives', 'credit_risk_model.bentomodel'));
  /** More than two parts, and nothing that compresses. */
  const large = (await store.create('large', (draft) => draft.write('noise.bin', noise(40 * 1024 ** 2)))).tag;
  const bringsBack = async (location, tag, through = transport) => {
    const copy = new ModelStore(temporary());
    const model = await copy.import(location, { s3: through });
    assert.equal(model.tag, tag);
    assert.ok((await store.get(tag)).path !== model.path);
    for (const file of readdirSync(model.path))
      assert.ok(
        readFileSync(join(model.path, file)).equals(readFileSync(join((await store.get(tag)).path, file))),
        file,
      );
  };

  await check('a model goes to a key and comes back', async () => {
    const { location } = await store.export(TAG, 's3://models/credit.bentomodel', { s3: transport });
    assert.equal(location, 's3://models/credit.bentomodel');
    await bringsBack(location, TAG);
  });

  await check('the format is by the name or as asked; a prefix gets a file named after the tag', async () => {
    for (const [to, format, expected] of [
      ['s3://models/a.tar.gz', undefined, 's3://models/a.tar.gz'],
      ['s3://models/b', 'zip', 's3://models/b'],
      ['s3://models', undefined, `s3://models/${TAG.replace(':', '-')}.bentomodel`],
      ['s3://models/deep/er/', 'tar', `s3://models/deep/er/${TAG.replace(':', '-')}.tar`],
      ['s3://models/odd name/ü+%20&=?.tar', undefined, 's3://models/odd name/ü+%20&=?.tar'],
    ]) {
      const { location } = await store.export(TAG, to, { format, s3: transport });
      assert.equal(location, expected);
      await bringsBack(location, TAG);
    }
  });

  await check('a large model goes in parts, with one checksum over all', async () => {
    await store.export(large, 's3://models/large.tar', { s3: transport });
    const head = await client.send(
      new HeadObjectCommand({ Bucket: 'models', Key: 'large.tar', ChecksumMode: 'ENABLED' }),
    );
    assert.match(head.ETag, /-3"$/);
    assert.equal(head.ChecksumType, 'FULL_OBJECT');
    assert.ok(head.ChecksumCRC32);
    await bringsBack('s3://models/large.tar', large);
  });

  await check('a download that is cut goes on where it broke', async () => {
    const wire = await startWire(PORT);
    const through = s3({ ...config, endpoint: wire.endpoint, forcePathStyle: true, maxAttempts: 1 });
    for (const bytes of [1_000_000, 20_000_000, 41_000_000]) {
      wire.cut(bytes);
      await bringsBack('s3://models/large.tar', large, through);
    }
    assert.equal(wire.cuts(), 3);
  });

  await check('a request that gets no answer is made again', async () => {
    const wire = await startWire(PORT);
    const through = s3({ ...config, endpoint: wire.endpoint });
    wire.cut(0);
    await store.export(TAG, 's3://models/again.tar', { s3: through });
    wire.cut(0);
    await bringsBack('s3://models/again.tar', TAG, through);
    assert.equal(wire.cuts(), 2);
  });

  await check('an object that changed on the server is refused, and nothing of it is in the store', async () => {
    await store.export(large, 's3://models/damaged.tar', { s3: transport });
    const file = openSync(join(files, 'models', 'damaged.tar'), 'r+');
    writeSync(file, Buffer.from('flipped'), 0, 7, 30_000_000);
    closeSync(file);
    const target = temporary();
    await assert.rejects(new ModelStore(target).import('s3://models/damaged.tar', { s3: transport }), (error) => {
      assert.match(error.code, /^EKIBEN_(S3_FAILED|ARCHIVE_CORRUPT)$/);
      assert.match(error.message, /checksum/i);
      return true;
    });
    assert.deepEqual(await new ModelStore(target).list(), []);
  });

  await check('an object that is replaced while it is read is not mixed with the other', async () => {
    const wire = await startWire(PORT);
    await store.export(large, 's3://models/moving.tar', { s3: transport });
    wire.cut(10_000_000);
    const through = s3({ ...config, endpoint: wire.endpoint, maxAttempts: 1 });
    const replacing = async function* (body) {
      let replaced = false;
      for await (const chunk of body) {
        if (!replaced) await store.export(TAG, 's3://models/moving.tar', { s3: transport });
        replaced = true;
        yield chunk;
      }
    };
    const reading = {
      ...through,
      async read(bucket, key) {
        const source = await through.read(bucket, key);
        return { ...source, body: replacing(source.body) };
      },
    };
    await assert.rejects(new ModelStore(temporary()).import('s3://models/moving.tar', { s3: reading }), {
      code: 'EKIBEN_S3_FAILED',
      message: /PreconditionFailed|412/,
    });
  });

  await check('an export that is stopped leaves no object and no parts', async () => {
    const stop = new AbortController();
    const onProgress = (done) => void (done > 20 * 1024 ** 2 && stop.abort());
    await assert.rejects(
      store.export(large, 's3://models/stopped.tar', { s3: transport, signal: stop.signal, onProgress }),
      { name: 'AbortError' },
    );
    assert.ok(!existsSync(join(files, 'models', 'stopped.tar')));
    for (let attempt = 0; ; attempt++) {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: 'models' }));
      if (Uploads.length === 0) break;
      assert.ok(attempt < 20, 'parts are left');
      await sleep(100);
    }
  });

  await check('what is missing or forbidden is an error that says so', async () => {
    const failing = (location, through = transport) => new ModelStore(temporary()).import(location, { s3: through });
    await assert.rejects(failing('s3://models/nope'), {
      code: 'EKIBEN_S3_NOT_FOUND',
      message: /nothing at s3:\/\/models\/nope/,
    });
    await assert.rejects(failing('s3://no-such-bucket/x'), { code: 'EKIBEN_S3_NOT_FOUND' });
    const wrong = s3({ ...config, credentials: { ...credentials, secretAccessKey: 'wrong' } });
    await assert.rejects(failing('s3://models/credit.bentomodel', wrong), {
      code: 'EKIBEN_S3_FAILED',
      message: /SignatureDoesNotMatch/,
    });
    await assert.rejects(store.export(TAG, 's3://no-such-bucket/x', { s3: transport }), {
      code: 'EKIBEN_S3_NOT_FOUND',
    });
    await assert.rejects(failing('s3://'), { code: 'EKIBEN_LOCATION_INVALID' });
    const nobody = s3({ ...config, endpoint: 'http://127.0.0.1:9', maxAttempts: 1 });
    await assert.rejects(failing('s3://models/x', nobody), { code: 'EKIBEN_S3_FAILED', message: /ECONNREFUSED/ });
  });

  await check('the command takes endpoint, region and credentials from the environment, as the SDK does', () => {
    const bin = join(packageRoot, '..', 'cli', 'dist', 'bin.js');
    const env = {
      ...process.env,
      EKIBEN_HOME: home,
      AWS_ENDPOINT_URL: endpoint.replace('127.0.0.1', 'localhost'),
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    };
    assert.match(
      run(process.execPath, [bin, 'models', 'export', TAG, 's3://models/cli.zip'], { env }),
      /exported to s3:\/\/models\/cli\.zip/,
    );
    const target = { ...env, EKIBEN_HOME: temporary() };
    assert.match(run(process.execPath, [bin, 'models', 'import', 's3://models/cli.zip'], { env: target }), /imported/);
  });

  await check('who does not use S3 does not need the SDK, and who lacks it is told what to install', async () => {
    const script = join(temporary(), 'without.mjs');
    writeFileSync(
      script,
      `import { register } from 'node:module';
       register('data:text/javascript,' + encodeURIComponent(\`
         export async function resolve(specifier, context, next) {
           if (specifier.startsWith('@aws-sdk/')) throw Object.assign(new Error('not here'), { code: 'ERR_MODULE_NOT_FOUND' });
           return next(specifier, context);
         }\`));
       const { ModelStore } = await import(${JSON.stringify(new URL('index.js', dist).href)});
       const store = new ModelStore(process.argv[2]);
       const { tag } = await store.create('m', (draft) => draft.write('x', Buffer.from('x')));
       const { location } = await store.export(tag, process.argv[2] + '/m.tar');
       await store.import(location);
       await store.export(tag, 's3://models/x').catch((error) => console.log(error.code, error.message));`,
    );
    const { status, stdout, stderr } = await start(process.execPath, [script, temporary()]);
    assert.equal(status, 0, stderr);
    assert.equal(
      stdout,
      'EKIBEN_S3_UNAVAILABLE s3:// needs two packages that are not installed: npm i @aws-sdk/client-s3 @aws-sdk/lib-storage\n',
    );
  });

  assert.ok(statSync(files).isDirectory());
  server.stop();
}

/** Bytes that do not compress, the same at each call. */
function noise(length) {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(length));
}
