// May this user run this request? The commands first, then the channels it names.
import type { CommandRights, Selector, User } from '../../config/acl/user.ts';
import { untilNul } from '../arguments.ts';
import { globMatches } from '../glob.ts';
import type { CommandSpec } from '../spec.ts';

/** What is missing. `at`: the place of the channel in the request. */
export type Denial = { readonly reason: 'command' } | { readonly reason: 'channel'; readonly at: number };

/** Why `user` may not run `args`, whose row is `spec`; `undefined`: it may. One selector has to allow all of it. */
export function denialOf(user: User, spec: CommandSpec, fullName: string, args: readonly string[]): Denial | undefined {
  let denial: Denial | undefined = denialBy(user.root, spec, fullName, args);
  for (const selector of user.selectors) {
    if (denial === undefined) return undefined;
    denial = further(denial, denialBy(selector, spec, fullName, args));
  }
  return denial;
}

/** Of two denials the one that got further is told. */
function further(a: Denial, b: Denial | undefined): Denial | undefined {
  if (b === undefined || a.reason === 'command') return b;
  return b.reason === 'channel' && b.at > a.at ? b : a;
}

function denialBy(
  selector: Selector,
  spec: CommandSpec,
  fullName: string,
  args: readonly string[],
): Denial | undefined {
  if (!mayRun(selector.commands, spec, fullName, args)) return { reason: 'command' };
  if (spec.channels === undefined || selector.allChannels) return undefined;
  const end = spec.channels === 'first' ? 2 : args.length;
  for (let at = 1; at < end; at++)
    if (!mayUse(selector.channels, args[at] ?? '', spec.channels === 'patterns')) return { reason: 'channel', at };
  return undefined;
}

function mayRun(rights: CommandRights, spec: CommandSpec, fullName: string, args: readonly string[]): boolean {
  // Who is not logged in must be able to log in, and who is logged in to do so again.
  if (spec.flags.includes('no_auth')) return true;
  const given = rights.newer.get(fullName);
  if (given !== undefined) return given;
  const name = spec.sameRightAs ?? fullName;
  if (rights.allowed.has(name)) return true;
  const first = untilNul(args[1] ?? '').toLowerCase();
  return args.length > 1 && (rights.firstArguments.get(name)?.some((each) => each.toLowerCase() === first) ?? false);
}

/** A channel has to match one of the patterns; a pattern has to be one of them, letter for letter. */
export function mayUse(patterns: readonly string[], channel: string, isPattern: boolean): boolean {
  if (isPattern) return patterns.includes(untilNul(channel));
  return patterns.some((pattern) => globMatches(pattern, channel));
}
