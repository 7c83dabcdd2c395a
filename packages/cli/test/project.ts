/** The built command, and projects to use it in. */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import path from 'node:path';

export const packageRoot = path.join(import.meta.dirname, '..');
export const bin = path.join(packageRoot, 'dist', 'bin.js');

/** A folder inside the package, so that the services in it find `ekiben`'s parts as a project finds them. */
export async function makeFolder(name: string): Promise<string> {
  const parent = path.join(packageRoot, 'node_modules', '.cache');
  await mkdir(parent, { recursive: true });
  return mkdtemp(path.join(parent, `${name}-`));
}

/** A project of ES modules. @param files - by name */
export async function makeProject(name: string, files: Readonly<Record<string, string>> = {}): Promise<string> {
  const project = await makeFolder(name);
  for (const [file, text] of Object.entries({ 'package.json': '{ "type": "module" }', ...files })) {
    await writeFile(path.join(project, file), text);
  }
  return project;
}

/** Doubles numbers; one of 100 or more takes so many milliseconds. */
export const DOUBLER = `import { Service, json } from '../../../dist/index.js';
const number = { type: 'number' } as const;
export const svc = new Service('doubler').api('double', { input: json(number), output: json(number) }, async (x) => {
  if (x >= 100) await new Promise((resolve) => setTimeout(resolve, x));
  return 2 * x;
});
`;
