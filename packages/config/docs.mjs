// `pnpm run docs` writes what is made of the table of keys: schema.json, and the table of the README.
import { readFileSync, writeFileSync } from 'node:fs';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { configurationSchema, runnerKeys, serverKeys, tracingKeys } from './dist/index.js';

export function keyTable() {
  return [
    '| key | must be | default | means | since | option |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows('api_server', serverKeys),
    ...rows('runners', runnerKeys),
    ...rows('tracing', tracingKeys),
  ].join('\n');
}

const rows = (section, keys) =>
  Object.entries(keys).map(([name, key]) => {
    const names = [key.flag && `\`--${key.flag}\``, key.variable && `\`EKIBEN_${key.variable}\``].filter(Boolean);
    const meaning = names.length === 0 ? key.meaning : `${key.meaning} (${names.join(', ')})`;
    const cells = [
      `\`${section}.${name}\``,
      key.type.expected,
      defaultOf(key),
      meaning,
      key.since ?? 'Ekiben',
      `\`${key.option}\``,
    ];
    return `| ${cells.join(' | ').replaceAll('\n', ' ')} |`;
  });

function defaultOf({ default: value, defaultText }) {
  if (defaultText !== undefined) return defaultText;
  return value === null ? '' : `\`${Array.isArray(value) ? value.join(', ') : value}\``;
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const at = (name) => new URL(name, import.meta.url);
  writeFileSync(at('schema.json'), JSON.stringify(configurationSchema()));
  const readme = readFileSync(at('README.md'), 'utf8');
  writeFileSync(
    at('README.md'),
    readme.replace(/\| key +\|.*?\n(?=\n)/s, () => `${keyTable()}\n`),
  );
}
