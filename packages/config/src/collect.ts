/** From the data of one source to checked values by key; every fault is reported, not only the first. */
import { ANY, keyTree, named, nearestKey } from './key-tree.ts';
import type { KeyNode } from './key-tree.ts';
import type { Key } from './keys.ts';
import type { Environment, Layer, Report } from './layers.ts';
import { pathText } from './paths.ts';
import type { Path } from './paths.ts';
import { readScalar } from './scalar.ts';

export interface Setting {
  /** From the root, under the key's present name. */
  readonly path: Path;
  readonly key: Key;
  /** null: the default, whatever another source says. */
  readonly value: unknown;
  readonly kind: Layer['kind'];
  readonly place: string;
  /** See `Layer`. */
  readonly isFlag: boolean;
}

/** Whom to tell. */
export interface Reports {
  readonly fault: Report;
  readonly warn: Report;
}

export function collect(layer: Layer, env: Environment, reports: Reports): Setting[] {
  const collector = new Collector(layer, env, reports);
  if (layer.value !== null) collector.visit(keyTree, layer.value, []);
  return [...collector.settings.values()];
}

class Collector {
  readonly settings = new Map<string, Setting>();
  readonly #layer: Layer;
  readonly #env: Environment;
  readonly #reports: Reports;

  constructor(layer: Layer, env: Environment, reports: Reports) {
    this.#layer = layer;
    this.#env = env;
    this.#reports = reports;
  }

  /** `typed`: the path of `value` in the source. */
  visit(node: KeyNode, given: unknown, typed: Path): void {
    const { key, meaningless } = node;
    if (key !== undefined) return this.#set(node, key, given, typed);
    const value = this.#layer.isText && typeof given === 'string' ? readScalar(given) : given;
    if (meaningless !== undefined) {
      if (value !== null) this.#say('warn', typed, `${pathText(typed)} has no effect: ${meaningless}`);
    } else if (value === null || (value === 'system' && typed.at(-1) === 'resources')) {
      this.#reset(node, typed);
    } else if (typeof value === 'object' && !Array.isArray(value)) {
      this.#section(node, value as Readonly<Record<string, unknown>>, typed);
    } else {
      const keys = [...node.children.keys()].filter((name) => name !== ANY).slice(0, 4);
      this.#say('fault', typed, `${pathText(typed) || 'it'} must be a mapping, with keys such as ${keys.join(', ')}`);
    }
  }

  #section({ children }: KeyNode, section: Readonly<Record<string, unknown>>, typed: Path): void {
    for (const [name, value] of Object.entries(section)) {
      const path = [...typed, name];
      const child = children.get(name) ?? children.get(ANY);
      if (child !== undefined) this.visit(child, value, path);
      else {
        const near = nearestKey(path);
        const hint = near === undefined ? '' : `; did you mean ${near}?`;
        this.#say('fault', path, `there is no key ${pathText(path)}${hint}`);
      }
    }
  }

  /** `resources: ~` says that every key below has its default. */
  #reset({ children }: KeyNode, typed: Path): void {
    for (const [name, child] of children) {
      if (name !== ANY && child.standsFor === undefined && child.meaningless === undefined) {
        this.visit(child, null, [...typed, name]);
      }
    }
  }

  #set({ standsFor }: KeyNode, key: Key, given: unknown, typed: Path): void {
    const path = standsFor === undefined ? typed : named(standsFor, typed);
    const name = pathText(path);
    const value = readValue(given, key, this.#layer.isText, this.#env);
    const before = this.settings.get(name);
    if (value === undefined) {
      const shown = key.secret === true ? 'it' : `it is ${JSON.stringify(given).slice(0, 100)}, but`;
      this.#say('fault', typed, `${pathText(typed)}: ${shown} must be ${key.type.expected}`);
    } else if (before === undefined) {
      const { kind, isFlag } = this.#layer;
      this.settings.set(name, { path, key, value, kind, isFlag, place: this.#layer.place(typed) });
    } else {
      this.#say('fault', typed, `${pathText(typed)} is already set at ${before.place}, by its other name`);
    }
  }

  #say(as: keyof Reports, typed: Path, message: string): void {
    this.#reports[as]({ place: this.#layer.place(typed), message });
  }
}

/** undefined: it is not what the key takes. */
function readValue(given: unknown, { type }: Key, isText: boolean, env: Environment): unknown {
  if (given === null) return null;
  const expanded = expand(given, env);
  if (!isText && expanded === given) return type.read(given);
  if (typeof expanded !== 'string') return type.read(expanded);
  const value = readScalar(expanded);
  if (value === null) return null;
  return type.read(value) ?? type.read(expanded);
}

/** `${PORT}` and `${PORT:-3000}` in texts, as BentoML 1.4 has them. A variable that is not set is empty. */
function expand(value: unknown, env: Environment): unknown {
  if (Array.isArray(value)) return value.map((each) => expand(each, env));
  if (typeof value !== 'string' || !value.includes('${')) return value;
  return value.replaceAll(/\$\{(\w+)(?::-([^}]*))?\}/g, (_, name: string, otherwise = '') => env[name] || otherwise);
}
