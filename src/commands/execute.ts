// One request from its words to its outcome: the checks in the genuine server's order, then the handler.
import type { Clock } from '../core/effects.ts';
import { error, type Reply } from '../protocol/reply.ts';
import { untilNul } from './arguments.ts';
import { answer, type CommandWorld, type Outcome } from './outcome.ts';
import { type Session, subscriptionCount } from './session.ts';
import { type CommandSpec, fitsArity, type Handler } from './spec.ts';
import { commandTable } from './table.ts';

/** What an error may repeat of the words of a client. */
const ECHO_MAX = 128;
/** Allowed while a RESP2 connection listens. */
const WHILE_LISTENING = new Set(['ping', 'subscribe', 'unsubscribe', 'psubscribe', 'punsubscribe']);
const WITHOUT_LOGIN = new Set(['auth', 'hello']);

/** Run one request. `args` has at least one word. Never throws for what a client says. */
export function execute(world: CommandWorld, session: Session, args: readonly string[], clock: Clock): Outcome {
  session.lastAt = clock.now;
  const name = untilNul(args[0] ?? '').toLowerCase();
  // A browser that was led here must not be able to speak to us (redis-sentinel 7.0.15 closes without a word).
  if (name === 'post' || name === 'host:') return { replies: [], abandon: true };
  const silent = session.replies === 'skip-next';
  if (silent) session.replies = 'on';
  const found = resolve(args);
  const outcome = 'kind' in found ? answer(found) : dispatch(world, session, args, clock, found);
  // It will be run again as if for the first time.
  if (outcome.awaitsName !== undefined && silent) session.replies = 'skip-next';
  return silent || session.replies === 'off' ? { ...outcome, replies: outcome.replies.filter(isPush) } : outcome;
}

/** What a client subscribed to reaches it whatever it said by CLIENT REPLY, confirmations included (7.0.15 as well). */
const isPush = ({ kind }: Reply): boolean => kind === 'push';

interface Resolved {
  readonly spec: CommandSpec;
  readonly fullName: string;
}

/** The row for a request, or the error of a name or a number of words that does not fit. */
function resolve(args: readonly string[]): Resolved | Reply {
  const typed = untilNul(args[0] ?? '');
  const spec = commandTable.get(typed.toLowerCase());
  if (spec === undefined) return error(unknownCommand(args));
  const container = spec.subcommands !== undefined && args.length > 1;
  const sub = container ? spec.subcommands?.find(({ name }) => name === untilNul(args[1] ?? '').toLowerCase()) : spec;
  if (sub === undefined) {
    const shown = untilNul(args[1] ?? '').slice(0, ECHO_MAX);
    return error(`ERR unknown subcommand '${shown}'. Try ${spec.name.toUpperCase()} HELP.`);
  }
  const fullName = container ? `${spec.name}|${sub.name}` : spec.name;
  if (!fitsArity(sub, args.length)) return error(`ERR wrong number of arguments for '${fullName}' command`);
  return { spec: sub, fullName };
}

function unknownCommand(args: readonly string[]): string {
  let shown = '';
  for (const arg of args.slice(1)) {
    if (shown.length >= ECHO_MAX) break;
    shown += `'${untilNul(arg).slice(0, ECHO_MAX - shown.length)}' `;
  }
  return `ERR unknown command '${untilNul(args[0] ?? '').slice(0, ECHO_MAX)}', with args beginning with: ${shown}`;
}

function dispatch(
  world: CommandWorld,
  session: Session,
  args: readonly string[],
  clock: Clock,
  { spec, fullName }: Resolved,
): Outcome {
  session.lastCommand = fullName;
  if (!session.authenticated && !WITHOUT_LOGIN.has(fullName)) return answer(error('NOAUTH Authentication required.'));
  if (session.protocol === 2 && subscriptionCount(session) > 0 && !WHILE_LISTENING.has(fullName))
    return answer(
      error(
        `ERR Can't execute '${fullName}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`,
      ),
    );
  const run: Handler | undefined = spec.run;
  if (run === undefined) return answer(error(`ERR wrong number of arguments for '${fullName}' command`));
  return run({ world, session, clock, args, table: commandTable });
}
