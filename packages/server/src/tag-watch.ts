/** Notices that an alias of a model, such as `production`, has moved: by looking, since a store may lie where nothing notifies. */
import type { TagResolved } from '@ekiben/store';

/** Reading the small file of an alias is all it costs. */
const LOOK_MS = 1_000;

export class TagWatch {
  readonly #timer: NodeJS.Timeout | undefined;
  #seen: string;

  /** @param followLatest - else what is saved is not meant for production by that alone */
  constructor(tags: readonly TagResolved[], followLatest: boolean, onMoved: () => void) {
    const moves = ({ tag, resolved }: TagResolved) =>
      tag.endsWith(':latest') || !tag.includes(':') ? followLatest : !resolved.startsWith(tag);
    const aliases = tags.filter(moves);
    this.#seen = JSON.stringify(aliases.map(({ resolved }) => resolved));
    if (aliases.length === 0) return;
    const look = async () => {
      const now = await resolveAll(aliases);
      // A move that was refused is not tried again before the next one.
      if (now !== null && now !== this.#seen) {
        this.#seen = now;
        onMoved();
      }
      this.#timer?.refresh();
    };
    this.#timer = setTimeout(() => void look(), LOOK_MS).unref();
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}

/** Null while it cannot be said, such as for an alias that points at nothing. */
async function resolveAll(aliases: readonly TagResolved[]): Promise<string | null> {
  const { ModelStore } = await import('@ekiben/store');
  try {
    return JSON.stringify(await Promise.all(aliases.map(({ home, tag }) => new ModelStore(home).resolve(tag))));
  } catch {
    return null;
  }
}
