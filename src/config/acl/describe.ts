// Users as text: the rules that make them again, as ACL LIST and the configuration file show them.
// Command rules are worked out from the rights, not remembered: the same ones that redis-sentinel 7.0.15 works out, but
// for the order of single commands, which is that of its hash table there and that of the command table here.
import { quote, rawOrQuoted } from '../tokens.ts';
import { ACL_CATEGORIES, type AclCommand, type AclCommands } from './acl-commands.ts';
import { allCommands, change, changeCategory } from './rules.ts';
import { type CommandRights, type KeyAccess, NO_COMMANDS, type Selector, type User } from './user.ts';

/** What a user is: `on`, `nopass` and so on, in the order of the rules. */
export function userFlags({ on, nopass, payload }: User): string[] {
  return [on ? 'on' : 'off', ...(nopass ? ['nopass'] : []), ...(payload === undefined ? [] : [payload])];
}

/** The line of ACL LIST: `user name on … +@all (…)`. Nothing in it is quoted. */
export function userText(user: User, commands: AclCommands): string {
  const selectors = user.selectors.map((selector) => `(${selectorWords(selector, commands).join(' ')})`);
  return [...ownWords(user, commands), ...selectors].join(' ');
}

/**
 * The line of the configuration file, which reads its words with quotes.
 * Differs: redis-sentinel 7.0.15 writes names and patterns raw: with a quote in one it does not start again (TS-D1).
 */
export function userLine(user: User, commands: AclCommands): string {
  const words = ownWords(user, commands).map(rawOrQuoted);
  return [...words, ...user.selectors.map((selector) => fileSelector(selector, commands))].join(' ');
}

/** A selector is read twice: as words of the line, and as words between its parentheses. */
function fileSelector(selector: Selector, commands: AclCommands): string {
  const words = selectorWords(selector, commands);
  const safe = words.map(rawOrQuoted);
  const text = `(${safe.join(' ')})`;
  return safe.every((word, at) => word === words[at]) ? text : quote(text);
}

/** The line of an ACL file, which knows quotes between parentheses only. */
export function aclFileLine(user: User, commands: AclCommands): string {
  const selectors = user.selectors.map((each) => `(${selectorWords(each, commands).map(rawOrQuoted).join(' ')})`);
  return [...ownWords(user, commands), ...selectors].join(' ');
}

function ownWords(user: User, commands: AclCommands): string[] {
  const passwords = user.passwords.map((hash) => `#${hash}`);
  return ['user', user.name, ...userFlags(user), ...passwords, ...selectorWords(user.root, commands)];
}

function selectorWords(selector: Selector, commands: AclCommands): string[] {
  const channels = selector.allChannels ? ['&*'] : ['resetchannels', ...channelWords(selector)];
  return [...keyWords(selector), ...channels, ...commandWords(selector.commands, commands)];
}

const KEY_SIGNS: Readonly<Record<KeyAccess, string>> = { all: '~', read: '%R~', write: '%W~' };

/** `~pattern` for each key pattern. */
export function keyWords({ allKeys, keys }: Selector): string[] {
  return allKeys ? ['~*'] : [...keys].map(([pattern, access]) => KEY_SIGNS[access] + pattern);
}

/** `&pattern` for each channel pattern. */
export function channelWords({ allChannels, channels }: Selector): string[] {
  return allChannels ? ['&*'] : channels.map((pattern) => `&${pattern}`);
}

/**
 * `+@all` or `-@all`, the categories that fit best, and whatever single commands make up the rest. As rules are found
 * they are applied to `made`, until it allows what `rights` allows.
 */
export function commandWords(rights: CommandRights, commands: AclCommands): string[] {
  const { future } = rights;
  const words = [future ? '+@all' : '-@all'];
  let made = future ? allCommands(commands) : NO_COMMANDS;
  let open = rights;
  const applied = new Set<string>();
  for (;;) {
    const best = bestCategory(open, applied, commands);
    if (best === undefined) break;
    applied.add(best);
    words.push(`${future ? '-' : '+'}@${best}`);
    made = changeCategory(made, best, !future, commands) ?? made;
    open = changeCategory(open, best, future, commands) ?? open;
  }
  words.push(...singleCommands(rights, made, commands));
  for (const [name, allow] of rights.newer) words.push(`${allow ? '+' : '-'}${name}`);
  return words;
}

/** The category with more right than wrong in it that has the fewest wrong, and of these the most right. */
function bestCategory(open: CommandRights, applied: ReadonlySet<string>, commands: AclCommands): string | undefined {
  let best: { readonly category: string; readonly wrong: number; readonly right: number } | undefined;
  for (const category of ACL_CATEGORIES) {
    if (applied.has(category)) continue;
    const members = commands.inCategory.get(category) ?? [];
    const on = members.filter(({ name }) => open.allowed.has(name)).length;
    const [right, wrong] = open.future ? [members.length - on, on] : [on, members.length - on];
    const isBetter = best === undefined || wrong < best.wrong || (wrong === best.wrong && right > best.right);
    if (right > wrong && isBetter) best = { category, wrong, right };
  }
  return best?.category;
}

function singleCommands(rights: CommandRights, begun: CommandRights, commands: AclCommands): string[] {
  const words: string[] = [];
  let made = begun;
  const settle = (command: AclCommand) => {
    const allow = rights.allowed.has(command.name);
    if (allow !== made.allowed.has(command.name)) {
      words.push(`${allow ? '+' : '-'}${command.name}`);
      made = change(made, [command], allow);
    }
  };
  for (const command of commands.top) {
    settle(command);
    command.subcommands?.forEach(settle);
    if (rights.allowed.has(command.name)) continue;
    for (const argument of rights.firstArguments.get(command.name) ?? []) words.push(`+${command.name}|${argument}`);
  }
  return words;
}
