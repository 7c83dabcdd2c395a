// `docker.dockerfile_template`: the part of Jinja that BentoML's templates are written in. A template names blocks of the generated
// Dockerfile and says what is in them; `{{ super() }}` is what was there.
//
//   {% extends bento_base_template %}
//   {% block SETUP_BENTO_COMPONENTS %}
//   {{ super() }}
//   RUN echo "after the bento's files"
//   {% endblock %}
import { EkibenError } from '@ekiben/spec';
import type { ProjectFile } from './docker-options.ts';

/** By name, in the order in which they stand. */
export type Blocks = Readonly<Record<string, string>>;

/** What `{{ name }}` stands for, and `{% set name = "…" %}` changes. */
export type Variables = Readonly<Record<string, string>>;

/**
 * @param base - what the blocks hold, with these variables
 * @param template - @default the base as it is
 * @throws EKIBEN_BENTOFILE_INVALID for what is not of this part of Jinja, by its line
 */
export function renderDockerfile(
  base: (variables: Variables) => Blocks,
  defaults: Variables,
  template: ProjectFile | undefined,
): string {
  if (template === undefined) return joined(Object.values(base(defaults)));
  const own = parse(template, Object.keys(base(defaults)));
  const variables = { ...defaults, ...own.variables };
  const filled = (text: string): string => substitute(text, variables, template.path);
  if (!own.isExtending) return joined([filled(own.text)]);
  const blocks = Object.entries(base(variables)).map(([name, block]) => {
    const changed = own.blocks.get(name);
    return changed === undefined ? block : changed.split(SUPER).map(filled).join(block);
  });
  return joined(blocks);
}

function joined(blocks: readonly string[]): string {
  const texts = blocks.map((block) => block.trim()).filter((block) => block !== '');
  return `${texts.join('\n\n')}\n`;
}

const STATEMENT = /\{%-?\s*(.*?)\s*-?%\}/gs;
const COMMENT = /\{#.*?#\}/gs;
const VARIABLE = /\{\{-?\s*(.*?)\s*-?\}\}/gs;
const SUPER = /\{\{-?\s*super\(\)\s*-?\}\}/;
const SET = /^set\s+(\w+)\s*=\s*(["'])(.*)\2$/;

interface Template {
  /** Whether it changes the base, rather than being a Dockerfile of its own. */
  readonly isExtending: boolean;
  readonly blocks: ReadonlyMap<string, string>;
  readonly variables: Variables;
  /** What stands outside of blocks. */
  readonly text: string;
}

function parse({ path, content }: ProjectFile, known: readonly string[]): Template {
  // Lines keep their numbers.
  const template = content.replace(COMMENT, (comment) => comment.replace(/[^\n]/g, ''));
  const blocks = new Map<string, string>();
  const variables: Record<string, string> = {};
  let isExtending = false;
  let open: string | undefined;
  let text = '';
  let from = 0;
  for (const { index, 0: whole, 1: statement = '' } of template.matchAll(STATEMENT)) {
    const fail = (what: string) => invalid(path, template.slice(0, index).split('\n').length, what);
    const before = template.slice(from, index);
    from = index + whole.length;
    if (open === undefined) text += before;
    else blocks.set(open, `${blocks.get(open) ?? ''}${before}`);
    const [word = '', name = ''] = statement.split(/\s+/);
    if (word === 'extends') {
      isExtending = true;
    } else if (word === 'set') {
      const [, key, , value] = SET.exec(statement) ?? [];
      if (key === undefined || value === undefined) throw fail(`\`${statement}\`: only a text can be set`);
      variables[key] = value;
    } else if (word === 'block') {
      if (open !== undefined) throw fail(`the block ${name} begins inside of ${open}`);
      if (!known.includes(name)) throw fail(`there is no block '${name}'; there are ${known.join(', ')}`);
      open = name;
    } else if (word === 'endblock') {
      if (open === undefined) throw fail('no block is open here');
      open = undefined;
    } else {
      throw fail(`'${word}' is not understood; extends, set, block and endblock are`);
    }
  }
  if (open !== undefined) throw invalid(path, template.split('\n').length, `the block ${open} has no endblock`);
  text += template.slice(from);
  if (isExtending && text.trim() !== '') {
    throw invalid(path, 1, `what stands outside of blocks would be lost: ${text.trim().split('\n', 1)[0]}`);
  }
  return { isExtending, blocks, variables, text };
}

function substitute(text: string, variables: Variables, file: string): string {
  return text.replace(VARIABLE, (_whole, name: string) => {
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (value !== undefined) return value;
    throw invalid(file, undefined, `there is no variable '${name}'; there are ${Object.keys(variables).join(', ')}`);
  });
}

function invalid(file: string, line: number | undefined, what: string): EkibenError {
  const place = line === undefined ? file : `${file}:${line}`;
  return new EkibenError('EKIBEN_BENTOFILE_INVALID', `${place}: docker.dockerfile_template: ${what}.`);
}
