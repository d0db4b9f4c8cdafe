// The rules of users, `on >secret ~* &* -@all +ping`: one rule and a user -> the user it makes, or what is wrong with it.
// Rules and error texts are those of redis-sentinel 7.0.15; the differential test of ACL compares with it.
import { tokenize } from '../tokens.ts';
import type { AclCommand, AclCommands } from './acl-commands.ts';
import {
  type CommandRights,
  createUser,
  emptySelector,
  type KeyAccess,
  NO_COMMANDS,
  type Selector,
  type User,
} from './user.ts';

/** SHA-256 of a byte string as 64 lower-case hex characters; injected, because this folder only works on text. */
export type Sha256Hex = (bytes: string) => string;

/** What rules mean depends on it. */
export interface RuleContext {
  readonly commands: AclCommands;
  /** `acl-pubsub-default allchannels`: users and selectors begin with all channels. */
  readonly allChannels: boolean;
  readonly sha256Hex: Sha256Hex;
}

/** What can be wrong with a rule. */
export const FAULTS = {
  'unknown-command': 'Unknown command or category name in ACL',
  syntax: 'Syntax error',
  'all-keys':
    "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns",
  'all-channels':
    "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to start with an empty list of channels",
  'no-such-password': 'The password you are trying to remove from the user does not exist',
  'bad-hash': 'The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters',
  'first-argument': 'Allowing first-arg of a subcommand is not supported',
} as const;
export type Fault = keyof typeof FAULTS;

/** Is it what went wrong, and not what was asked for? */
export const isFault = (result: object | Fault): result is Fault => typeof result === 'string';

/** `rule` applied to `user`; an empty one changes nothing. */
export function applyRule(user: User, rule: string, context: RuleContext): User | Fault {
  if (rule === '') return user;
  const word = untilNul(rule).toLowerCase();
  const change = Object.hasOwn(USER_RULES, word) ? USER_RULES[word] : undefined;
  if (change !== undefined) return { ...user, ...change };
  if (word === 'reset') return { ...createUser(user.name, context.allChannels), payload: 'sanitize-payload' };
  if ('><#!'.includes(rule.charAt(0))) return applyPassword(user, rule, context.sha256Hex);
  if (rule.startsWith('(') && rule.endsWith(')')) {
    const selector = parseSelector(rule.slice(1, -1), context);
    return isFault(selector) ? selector : { ...user, selectors: [...user.selectors, selector] };
  }
  const root = applySelectorRule(user.root, rule, context);
  return isFault(root) ? root : { ...user, root };
}

/** Rules of a user that are one word and no more. */
const USER_RULES: Readonly<Record<string, Partial<User>>> = {
  on: { on: true },
  off: { on: false },
  'sanitize-payload': { payload: 'sanitize-payload' },
  'skip-sanitize-payload': { payload: 'skip-sanitize-payload' },
  nopass: { nopass: true, passwords: [] },
  resetpass: { nopass: false, passwords: [] },
  clearselectors: { selectors: [] },
};

function applyPassword(user: User, rule: string, sha256Hex: Sha256Hex): User | Fault {
  const [sign, rest] = [rule.charAt(0), rule.slice(1)];
  const hash = sign === '>' || sign === '<' ? sha256Hex(rest) : rest;
  if (!/^[0-9a-f]{64}$/.test(hash)) return 'bad-hash';
  const isKnown = user.passwords.includes(hash);
  if (sign === '>' || sign === '#')
    return { ...user, nopass: false, passwords: isKnown ? user.passwords : [...user.passwords, hash] };
  return isKnown ? { ...user, passwords: user.passwords.filter((other) => other !== hash) } : 'no-such-password';
}

/** The rules between the parentheses. Quotes that do not close leave nothing of it, as in redis-sentinel 7.0.15. */
function parseSelector(text: string, context: RuleContext): Selector | Fault {
  let selector = emptySelector(context.allChannels);
  for (const rule of tokenize(text) ?? []) {
    const next = applySelectorRule(selector, rule, context);
    if (isFault(next)) return next;
    selector = next;
  }
  return selector;
}

/** A rule about commands, keys or channels. */
function applySelectorRule(selector: Selector, rule: string, { commands }: RuleContext): Selector | Fault {
  const word = untilNul(rule).toLowerCase();
  const change = Object.hasOwn(SELECTOR_RULES, word) ? SELECTOR_RULES[word] : undefined;
  if (change !== undefined) return { ...selector, ...change };
  if (word === '+@all' || word === 'allcommands') return { ...selector, commands: allCommands(commands) };
  switch (rule.charAt(0)) {
    case '~':
      return addKeys(selector, rule.slice(1), 'all');
    case '%':
      return addKeysFor(selector, rule);
    case '&':
      return addChannel(selector, rule.slice(1));
    case '+':
    case '-': {
      const rights = changeCommands(selector.commands, word, untilNul(rule), commands);
      return isFault(rights) ? rights : { ...selector, commands: rights };
    }
    default:
      return 'syntax';
  }
}

const SELECTOR_RULES: Readonly<Record<string, Partial<Selector>>> = {
  allkeys: { allKeys: true, keys: new Map() },
  '~*': { allKeys: true, keys: new Map() },
  resetkeys: { allKeys: false, keys: new Map() },
  allchannels: { allChannels: true, channels: [] },
  '&*': { allChannels: true, channels: [] },
  resetchannels: { allChannels: false, channels: [] },
  nocommands: { commands: NO_COMMANDS },
  '-@all': { commands: NO_COMMANDS },
};

/** Names and patterns are written between blanks, and no rule can quote them. */
export function hasSpaces(text: string): boolean {
  return /[ \t\n\v\f\r\0]/.test(text);
}

/** `%R~pattern`, `%W~pattern`, `%RW~pattern`; without the tilde the pattern is empty. */
function addKeysFor(selector: Selector, rule: string): Selector | Fault {
  const [, kinds = '', tilde, pattern = ''] = /^%([RrWw]*)(~?)([\s\S]*)$/.exec(rule) ?? [];
  const upper = kinds.toUpperCase();
  if (selector.allKeys) return 'all-keys';
  if (!['R', 'W', 'RW', 'WR'].includes(upper) || (tilde === '' && pattern !== '')) return 'syntax';
  return addKeys(selector, pattern, upper === 'R' ? 'read' : upper === 'W' ? 'write' : 'all');
}

function addKeys(selector: Selector, pattern: string, access: KeyAccess): Selector | Fault {
  if (selector.allKeys) return 'all-keys';
  if (hasSpaces(pattern)) return 'syntax';
  const before = selector.keys.get(pattern) ?? access;
  return { ...selector, keys: new Map(selector.keys).set(pattern, before === access ? access : 'all') };
}

function addChannel(selector: Selector, pattern: string): Selector | Fault {
  if (selector.allChannels) return 'all-channels';
  if (hasSpaces(pattern)) return 'syntax';
  if (selector.channels.includes(pattern)) return selector;
  return { ...selector, channels: [...selector.channels, pattern] };
}

/** Rights are never changed in place: one of these for each set of commands is enough. */
const everything = new WeakMap<AclCommands, CommandRights>();

/** The right to run everything, and what is yet to come. */
export function allCommands(commands: AclCommands): CommandRights {
  const known = everything.get(commands);
  if (known !== undefined) return known;
  const names = commands.top.flatMap(({ name, subcommands = [] }) => [name, ...subcommands.map((sub) => sub.name)]);
  const rights = { ...NO_COMMANDS, allowed: new Set(names), future: true };
  everything.set(commands, rights);
  return rights;
}

/** `+command`, `-container|subcommand`, `+@category`, `+command|first-argument`; `word` is `rule` in lower case. */
function changeCommands(
  rights: CommandRights,
  word: string,
  rule: string,
  commands: AclCommands,
): CommandRights | Fault {
  const allow = word.startsWith('+');
  const name = word.slice(1);
  if (name.startsWith('@')) return changeCategory(rights, name.slice(1), allow, commands) ?? 'unknown-command';
  const found = commands.byName.get(name);
  if (!allow || !name.includes('|')) return found === undefined ? 'unknown-command' : change(rights, [found], allow);
  const bar = name.lastIndexOf('|');
  const parent = commands.byName.get(name.slice(0, bar));
  if (parent === undefined) return 'unknown-command';
  if (parent.isSubcommand) return 'first-argument';
  if (bar === name.length - 1) return 'syntax';
  if (parent.subcommands !== undefined) return found === undefined ? 'unknown-command' : change(rights, [found], allow);
  // Differs: redis-sentinel 7.0.15 takes blanks as well, and writes a file that it cannot read (TS-D1).
  const argument = rule.slice(bar + 2);
  return hasSpaces(argument) ? 'syntax' : addFirstArgument(rights, parent.name, argument);
}

/** The same rights with those of a whole category given or taken; `undefined`: there is no such category. */
export function changeCategory(
  rights: CommandRights,
  category: string,
  allow: boolean,
  commands: AclCommands,
): CommandRights | undefined {
  const members = commands.inCategory.get(category);
  if (members === undefined) return undefined;
  const changed = change(rights, members, allow);
  const isMember = (name: string) => commands.byName.get(name)?.categories.includes(category) === true;
  return { ...changed, newer: new Map([...changed.newer].filter(([name]) => !isMember(name))) };
}

/** Give or take the right to run `changed`; a container brings all of its subcommands. */
export function change(rights: CommandRights, changed: readonly AclCommand[], allow: boolean): CommandRights {
  const allowed = new Set(rights.allowed);
  const firstArguments = new Map(rights.firstArguments);
  const newer = new Map(rights.newer);
  for (const { name, subcommands = [], sameRightAs } of changed) {
    if (sameRightAs !== undefined) newer.set(name, allow);
    else setAll(allowed, [name, ...subcommands.map((sub) => sub.name)], allow);
    firstArguments.delete(name);
    // A rule about the whole is the last word about every part of it.
    for (const other of newer.keys()) if (other.startsWith(`${name}|`)) newer.delete(other);
  }
  return { ...rights, allowed, firstArguments, newer };
}

function setAll(names: Set<string>, changed: readonly string[], present: boolean): void {
  for (const name of changed) {
    if (present) names.add(name);
    else names.delete(name);
  }
}

function addFirstArgument(rights: CommandRights, name: string, argument: string): CommandRights {
  const known = rights.firstArguments.get(name) ?? [];
  if (known.some((other) => other.toLowerCase() === argument.toLowerCase())) return rights;
  return { ...rights, firstArguments: new Map(rights.firstArguments).set(name, [...known, argument]) };
}

/** Rules that went through, or the first one that did not. */
export function applyRules(
  user: User,
  rules: readonly string[],
  context: RuleContext,
): User | { readonly rule: string; readonly fault: Fault } {
  let made = user;
  for (const rule of rules) {
    const next = applyRule(made, rule, context);
    if (isFault(next)) return { rule, fault: next };
    made = next;
  }
  return made;
}

/**
 * Rules with the words of each selector joined: `(+ping`, `~a)` is `(+ping ~a)`. `open`: where a parenthesis was opened
 * that nothing closes.
 */
export function mergeSelectors(words: readonly string[]): {
  readonly rules: readonly string[];
  readonly open?: number;
} {
  const rules: string[] = [];
  let selector: { readonly at: number; text: string } | undefined;
  for (const [at, word] of words.entries()) {
    if (word.startsWith('(') && !word.endsWith(')')) selector = { at, text: word };
    else if (selector === undefined) rules.push(word);
    else {
      selector.text += ` ${word}`;
      if (word.endsWith(')')) {
        rules.push(selector.text);
        selector = undefined;
      }
    }
  }
  return selector === undefined ? { rules } : { rules, open: selector.at };
}

const untilNul = (text: string): string => {
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
};
