// One request from its words to its outcome: the checks in the genuine server's order, then the handler.
import type { Clock } from '../core/effects.ts';
import { error, type Reply } from '../protocol/reply.ts';
import { noteDenial } from './acl/denials.ts';
import { mustLogIn } from './acl/login.ts';
import { denialOf } from './acl/permission.ts';
import { untilNul } from './arguments.ts';
import { answer, type CommandWorld, type Outcome } from './outcome.ts';
import { isHeldBack } from './pause.ts';
import { type Session, subscriptionCount } from './session.ts';
import { type CommandSpec, fitsArity, lookUp } from './spec.ts';

/** What an error may repeat of the words of a client. */
const ECHO_MAX = 128;
/** Allowed while a RESP2 connection listens. */
const WHILE_LISTENING = new Set(['ping', 'subscribe', 'unsubscribe', 'psubscribe', 'punsubscribe']);

/** How it begins to speak: POST, or Host: (names end at a NUL byte). */
const BROWSER = /^(?:post|host:)(?:\0|$)/i;

/** Run one request. `args` has at least one word. Never throws for what a client says. */
export function execute(world: CommandWorld, session: Session, args: readonly string[], clock: Clock): Outcome {
  session.lastAt = clock.now;
  // A browser that was led here must not be able to speak to us (redis-sentinel 7.0.15 closes without a word).
  if (BROWSER.test(args[0] ?? '')) return { replies: [], abandon: true };
  const silent = session.replies === 'skip-next';
  if (silent) session.replies = 'on';
  const outcome = dispatch(world, session, args, clock);
  // It will be run again as if for the first time.
  if ((outcome.awaitsName !== undefined || outcome.held) && silent) session.replies = 'skip-next';
  if (!silent && session.replies !== 'off') return outcome;
  const { later: _untold, repeatable: _otherwise, ...told } = outcome;
  return { ...told, replies: outcome.replies.filter(isPush) };
}

/** What a client subscribed to reaches it whatever it said by CLIENT REPLY, confirmations included (7.0.15 as well). */
const isPush = ({ kind }: Reply): boolean => kind === 'push';

function unknownCommand(args: readonly string[]): string {
  let shown = '';
  for (const arg of args.slice(1)) {
    if (shown.length >= ECHO_MAX) break;
    shown += `'${untilNul(arg).slice(0, ECHO_MAX - shown.length)}' `;
  }
  return `ERR unknown command '${untilNul(args[0] ?? '').slice(0, ECHO_MAX)}', with args beginning with: ${shown}`;
}

function unknownSubcommand(args: readonly string[]): string {
  const [container = '', sub = ''] = args.map(untilNul);
  return `ERR unknown subcommand '${sub.slice(0, ECHO_MAX)}'. Try ${container.toUpperCase()} HELP.`;
}

function dispatch(world: CommandWorld, session: Session, args: readonly string[], clock: Clock): Outcome {
  const found = lookUp(world.table, args);
  session.lastCommand = found?.spec === undefined ? 'NULL' : found.fullName;
  if (found === undefined) return answer(error(unknownCommand(args)));
  const { spec, fullName } = found;
  if (spec === undefined) return answer(error(unknownSubcommand(args)));
  if (!fitsArity(spec, args.length)) return answer(error(wrongNumber(fullName)));
  const refusal = whyNotAllowed(world, session, args, clock, spec, fullName) ?? whyNotWhileListening(session, fullName);
  if (refusal !== undefined) return answer(error(refusal));
  if (spec.run === undefined) return answer(error(wrongNumber(fullName)));
  if (isHeldBack(world.sessions, fullName, clock.now)) return { replies: [], held: true };
  if (session.tracking?.caching && !fullName.startsWith('client|')) session.tracking.caching = false;
  return spec.run({ world, session, clock, args, table: world.table });
}

const wrongNumber = (fullName: string) => `ERR wrong number of arguments for '${fullName}' command`;

/** Not logged in, or without the right; what lacks a right is noted. */
function whyNotAllowed(
  { access }: CommandWorld,
  session: Session,
  args: readonly string[],
  clock: Clock,
  spec: CommandSpec,
  fullName: string,
): string | undefined {
  if (mustLogIn(access, session) && !spec.flags.includes('no_auth')) return 'NOAUTH Authentication required.';
  const user = session.user === undefined ? undefined : access.users.get(session.user);
  // It was removed while the request waited: the connection is about to end.
  if (user === undefined) return 'NOAUTH Authentication required.';
  const denial = denialOf(user, spec, fullName, args);
  if (denial === undefined) return undefined;
  const object = denial.reason === 'command' ? fullName : (args[denial.at] ?? '');
  noteDenial(access, session, { reason: denial.reason, object, username: user.name }, clock);
  const what =
    denial.reason === 'command' ? `run the '${fullName}' command` : 'access one of the channels used as arguments';
  return `NOPERM this user has no permissions to ${what}`;
}

function whyNotWhileListening(session: Session, fullName: string): string | undefined {
  if (session.protocol === 3 || subscriptionCount(session) === 0 || WHILE_LISTENING.has(fullName)) return undefined;
  return `ERR Can't execute '${fullName}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`;
}
