// The workspace's packages, as turbo sees them.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * @typedef {object} Package
 * @property {string} name
 * @property {string} path  from the repository's root
 * @property {string} dir  absolute
 * @property {any} manifest  its package.json
 */

/** @returns {Package[]} in the order of their names */
export function workspacePackages() {
  const turbo = join(root, 'node_modules/turbo/bin/turbo');
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1' };
  const listed = execFileSync(process.execPath, [turbo, 'ls', '--output', 'json'], {
    cwd: root,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return JSON.parse(listed.slice(listed.indexOf('{'))).packages.items.map(({ name, path }) => {
    const dir = join(root, path);
    return { name, path, dir, manifest: JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')) };
  });
}
