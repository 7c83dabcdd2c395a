// What can come next on a command line: verbs and options from the commands themselves, tags from the stores.
import type { Command, Option } from 'commander';

/** Gives the tags that begin with a prefix. */
export type SuggestTags = (kind: 'model' | 'bento', prefix: string) => Promise<readonly string[]>;

/** @param words - after the command's own name; the last is the one being typed, possibly empty */
export async function candidates(
  program: Command,
  words: readonly string[],
  suggestTags: SuggestTags,
): Promise<string[]> {
  const typed = words.at(-1) ?? '';
  const { command, positionals, option } = readWords(program, words.slice(0, -1));
  if (option !== undefined) return matching(option.argChoices ?? [], typed);
  if (typed.startsWith('-'))
    return matching(
      command.options
        .filter(({ hidden }) => !hidden)
        .flatMap(flags)
        .concat('--help'),
      typed,
    );
  if (command.commands.length > 0 && positionals.length === 0) {
    const verbs = command
      .createHelp()
      .visibleCommands(command)
      .map((each) => each.name());
    return matching(verbs, typed);
  }
  const last = command.registeredArguments.at(-1);
  const argument = command.registeredArguments[positionals.length] ?? (last?.variadic === true ? last : undefined);
  if (argument?.argChoices !== undefined) return matching(argument.argChoices, typed);
  const kind = tagKind(argument?.name() ?? '', command);
  if (kind === undefined) return [];
  // Of a list with commas, the last is being typed.
  const before = /^(?:.*,)?/.exec(typed)?.[0] ?? '';
  const tags = await suggestTags(kind, typed.slice(before.length));
  return tags.map((tag) => `${before}${tag}`);
}

interface ReadWords {
  readonly command: Command;
  /** Arguments of the command so far. */
  readonly positionals: readonly string[];
  /** The option whose value is being typed. */
  readonly option: Option | undefined;
}

function readWords(program: Command, words: readonly string[]): ReadWords {
  let command = program;
  let option: Option | undefined;
  const positionals: string[] = [];
  for (const word of words) {
    if (option !== undefined) {
      option = undefined;
    } else if (word.startsWith('-')) {
      const found = command.options.find((each) => flags(each).includes(word));
      option = found?.required === true || found?.optional === true ? found : undefined;
    } else {
      const next = positionals.length === 0 ? command.commands.find((each) => each.name() === word) : undefined;
      if (next === undefined) positionals.push(word);
      else command = next;
    }
  }
  return { command, positionals, option };
}

function flags({ short, long }: Option): string[] {
  return [short, long].filter((flag) => flag !== undefined && flag !== null);
}

/** By the words of the help: `MODEL_TAG`, `BENTO_NAME`, `DELETE_TARGETS`. */
function tagKind(argument: string, command: Command): 'model' | 'bento' | undefined {
  if (/^MODEL_(?:TAG|NAME)/.test(argument)) return 'model';
  if (/^BENTO_(?:TAG|NAME)/.test(argument)) return 'bento';
  if (argument.startsWith('DELETE_TARGETS')) return command.parent?.name() === 'models' ? 'model' : 'bento';
  return undefined;
}

function matching(words: readonly string[], typed: string): string[] {
  return words.filter((word) => word.startsWith(typed));
}
