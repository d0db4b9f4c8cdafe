// CLIENT TRACKING and what belongs to it: modes are kept and told; there are no keys here whose changes could be told.
// Orders and texts as redis-sentinel 7.0.15 answers them (spec/commands.md §3).
import { bulk, bulks, error, integer, map, ok, type Reply, set } from '../protocol/reply.ts';
import { NOT_AN_INTEGER, parseInteger, SYNTAX_ERROR } from './arguments.ts';
import { answer, type Call, type Outcome } from './outcome.ts';
import type { Sessions, Tracking } from './session.ts';

type Options = Omit<Tracking, 'caching' | 'prefixes'> & { readonly prefixes: readonly string[] };

/** CLIENT TRACKING on|off [REDIRECT id] [PREFIX p …] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]. */
export function clientTracking({ world, session, args }: Call): Outcome {
  const options = readOptions(args.slice(3), world.sessions);
  if ('kind' in options) return answer(options);
  const mode = args[2]?.toLowerCase();
  if (mode === 'off') {
    session.tracking = undefined;
    return answer(ok);
  }
  if (mode !== 'on') return answer(SYNTAX_ERROR);
  const refusal = whyNot(session.tracking, options);
  if (refusal !== undefined) return answer(error(`ERR ${refusal}`));
  const prefixes = new Set([...(session.tracking?.prefixes ?? []), ...options.prefixes]);
  // Without a prefix, broadcasting means every key.
  if (options.broadcasts && options.prefixes.length === 0) prefixes.add('');
  session.tracking = { ...options, caching: false, prefixes };
  return answer(ok);
}

function readOptions(words: readonly string[], sessions: Sessions): Options | Reply {
  let redirect = 0;
  const prefixes: string[] = [];
  const given = new Set<string>();
  for (let at = 0; at < words.length; at++) {
    const option = words[at]?.toLowerCase() ?? '';
    const value = words[at + 1];
    if (option === 'redirect' && value !== undefined) {
      if (redirect !== 0) return error('ERR A client can only redirect to a single other client');
      const id = parseInteger(value);
      if (id === undefined) return NOT_AN_INTEGER;
      if (!sessions.byId.has(Number(id))) return error('ERR The client ID you want redirect to does not exist');
      redirect = Number(id);
      at += 1;
    } else if (option === 'prefix' && value !== undefined) {
      prefixes.push(value);
      at += 1;
    } else if (['bcast', 'optin', 'optout', 'noloop'].includes(option)) given.add(option);
    else return SYNTAX_ERROR;
  }
  const [broadcasts, optIn, optOut, noLoop] = ['bcast', 'optin', 'optout', 'noloop'].map((name) => given.has(name));
  return { redirect, prefixes, broadcasts: !!broadcasts, optIn: !!optIn, optOut: !!optOut, noLoop: !!noLoop };
}

const RESTART = 'before disabling tracking for this client, and then re-enabling it with a different mode.';

function whyNot(before: Tracking | undefined, options: Options): string | undefined {
  const { broadcasts, optIn, optOut, prefixes } = options;
  if (!broadcasts && prefixes.length > 0) return 'PREFIX option requires BCAST mode to be enabled';
  if (before !== undefined && before.broadcasts !== broadcasts) return `You can't switch BCAST mode on/off ${RESTART}`;
  if (broadcasts && (optIn || optOut)) return 'OPTIN and OPTOUT are not compatible with BCAST';
  if (optIn && optOut) return "You can't specify both OPTIN mode and OPTOUT mode";
  if ((optIn && before?.optOut) || (optOut && before?.optIn)) return `You can't switch OPTIN/OPTOUT mode ${RESTART}`;
  return overlap(prefixes, before?.prefixes ?? new Set());
}

/** Two prefixes of which one begins with the other would tell the same key twice. */
function overlap(given: readonly string[], existing: ReadonlySet<string>): string | undefined {
  const meets = (a: string, b: string) => a.startsWith(b) || b.startsWith(a);
  const rule = 'Prefixes for a single client must not overlap.';
  for (const [at, prefix] of given.entries()) {
    for (const other of existing)
      if (meets(prefix, other) && prefix !== other)
        return `Prefix '${prefix}' overlaps with an existing prefix '${other}'. ${rule}`;
    for (const other of given.slice(at + 1))
      if (meets(prefix, other)) return `Prefix '${prefix}' overlaps with another provided prefix '${other}'. ${rule}`;
  }
  return undefined;
}

/** CLIENT CACHING yes|no, for the modes in which a client says of each command whether its keys are to be tracked. */
export function clientCaching({ session, args }: Call): Outcome {
  const { tracking } = session;
  if (tracking === undefined)
    return answer(
      error(
        'ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled',
      ),
    );
  const wanted = args[2]?.toLowerCase();
  if (wanted !== 'yes' && wanted !== 'no') return answer(SYNTAX_ERROR);
  const mode = wanted === 'yes' ? 'OPTIN' : 'OPTOUT';
  if (!(wanted === 'yes' ? tracking.optIn : tracking.optOut))
    return answer(
      error(`ERR CLIENT CACHING ${wanted.toUpperCase()} is only valid when tracking is enabled in ${mode} mode.`),
    );
  tracking.caching = true;
  return answer(ok);
}

/** CLIENT GETREDIR: 0 tracks for itself, -1 does not track. */
export const clientGetRedirection = ({ session }: Call): Outcome => answer(integer(session.tracking?.redirect ?? -1));

/** CLIENT TRACKINGINFO. */
export const clientTrackingInfo = ({ session }: Call): Outcome =>
  answer(
    map([
      ['flags', set(flagsOf(session.tracking).map(bulk))],
      ['redirect', integer(session.tracking?.redirect ?? -1)],
      ['prefixes', bulks([...(session.tracking?.prefixes ?? [])].sort())],
    ]),
  );

function flagsOf(tracking: Tracking | undefined): string[] {
  if (tracking === undefined) return ['off'];
  const flags = ['on'];
  if (tracking.broadcasts) flags.push('bcast');
  if (tracking.optIn) flags.push('optin', ...(tracking.caching ? ['caching-yes'] : []));
  if (tracking.optOut) flags.push('optout', ...(tracking.caching ? ['caching-no'] : []));
  if (tracking.noLoop) flags.push('noloop');
  return flags;
}
