// CLIENT: names, lists and ends of connections.
import { bulk, error, integer, nullBulk, ok, type Reply, verbatim } from '../protocol/reply.ts';
import {
  badName,
  byName,
  NOT_AN_INTEGER,
  parseInteger,
  parseYesNo,
  refuseClientName,
  SYNTAX_ERROR,
  wrongNumberFor,
} from './arguments.ts';
import { answer, type Call, type CommandWorld, type Outcome } from './outcome.ts';
import { type Session, subscriptionCount } from './session.ts';

export const clientId = ({ session }: Call): Outcome => answer(integer(session.id));

export const clientGetName = ({ session }: Call): Outcome =>
  answer(session.name === '' ? nullBulk : bulk(session.name));

/** CLIENT SETNAME name; an empty one takes it away. */
export function clientSetName({ session, args }: Call): Outcome {
  const name = args[2] ?? '';
  const refusal = refuseClientName(name);
  if (refusal !== undefined) return answer(refusal);
  session.name = name;
  return answer(ok);
}

/**
 * CLIENT SETINFO LIB-NAME|LIB-VER value.
 * Differs: redis-sentinel 7.0.15 does not know it yet; 7.2 answers like this, and every current client library asks.
 */
export function clientSetInfo({ session, args }: Call): Outcome {
  const [, , attribute = '', value = ''] = args;
  const lower = attribute.toLowerCase();
  if (lower !== 'lib-name' && lower !== 'lib-ver') return answer(error(`ERR Unrecognized option '${attribute}'`));
  const wrong = badName(value);
  if (wrong !== undefined) return answer(error(`ERR ${attribute} ${wrong}`));
  if (lower === 'lib-name') session.libName = value;
  else session.libVersion = value;
  return answer(ok);
}

export const clientInfo = ({ session, clock }: Call): Outcome =>
  answer(verbatim(`${clientLine(session, clock.now)}\n`));

type ClientType = 'normal' | 'master' | 'replica' | 'pubsub';
const CLIENT_TYPES = byName<ClientType>({
  normal: 'normal',
  master: 'master',
  replica: 'replica',
  slave: 'replica',
  pubsub: 'pubsub',
});
const typeOf = (session: Session): ClientType => (subscriptionCount(session) > 0 ? 'pubsub' : 'normal');
const unknownType = (text: string): Reply => error(`ERR Unknown client type '${text}'`);

/** CLIENT LIST [TYPE type] [ID id …]. */
export function clientList({ world, args, clock }: Call): Outcome {
  const option = args[2]?.toUpperCase();
  let chosen = [...world.sessions.byId.values()];
  if (option === 'TYPE' && args.length === 4) {
    const type = CLIENT_TYPES.get((args[3] ?? '').toLowerCase());
    if (type === undefined) return answer(unknownType(args[3] ?? ''));
    chosen = chosen.filter((session) => typeOf(session) === type);
  } else if (option === 'ID' && args.length > 3) {
    const ids = args.slice(3).map(parseInteger);
    if (ids.includes(undefined)) return answer(error('ERR Invalid client ID'));
    chosen = ids.flatMap((id) => world.sessions.byId.get(Number(id)) ?? []);
  } else if (option !== undefined) return answer(SYNTAX_ERROR);
  return answer(verbatim(chosen.map((session) => `${clientLine(session, clock.now)}\n`).join('')));
}

/** One line of CLIENT LIST, without its line feed. What only the genuine server's memory management has is 0. */
export function clientLine(session: Session, now: number): string {
  const seconds = (since: number) => Math.max(0, Math.trunc((now - since) / 1000));
  // Only a Unix socket has port 0.
  const unix = session.address.endsWith(':0');
  const { tracking } = session;
  const tracks = tracking === undefined ? '' : tracking.broadcasts ? 'tB' : 't';
  const flags =
    `${subscriptionCount(session) > 0 ? 'P' : ''}${tracks}${unix ? 'U' : ''}${session.noEvict ? 'e' : ''}` || 'N';
  const library =
    session.libName === '' && session.libVersion === ''
      ? []
      : [`lib-name=${session.libName}`, `lib-ver=${session.libVersion}`];
  return [
    `id=${session.id} addr=${session.address} laddr=${session.localAddress} fd=${session.id + 7} name=${session.name}`,
    `age=${seconds(session.createdAt)} idle=${seconds(session.lastAt)} flags=${flags} db=0`,
    `sub=${session.channels.size} psub=${session.patterns.size} ssub=0 multi=-1`,
    'qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=0 events=r',
    `cmd=${session.lastCommand} user=${session.user ?? 'default'} redir=${tracking?.redirect ?? -1} resp=${session.protocol}`,
    ...library,
  ].join(' ');
}

interface KillFilter {
  id?: number;
  type?: ClientType;
  address?: string;
  localAddress?: string;
  user?: string;
  skipMe: boolean;
}

/** CLIENT KILL ip:port, or CLIENT KILL filter value …: the second form answers how many. */
export function clientKill({ world, session, args }: Call): Outcome {
  const all = [...world.sessions.byId.values()];
  if (args.length === 3) {
    const victim = all.find(({ address }) => address === args[2]);
    return victim === undefined ? answer(error('ERR No such client')) : ending([victim], session, ok);
  }
  const filter = readKillFilter(args.slice(2), world);
  if ('kind' in filter) return answer(filter);
  const victims = all.filter((other) => matchesFilter(filter, other, session));
  return ending(victims, session, integer(victims.length));
}

/** Our own connection is closed behind the reply. */
function ending(victims: readonly Session[], self: Session, reply: Reply): Outcome {
  const kill = victims.filter((victim) => victim !== self).map(({ id }) => id);
  return { replies: [reply], kill, close: victims.includes(self) };
}

function matchesFilter(filter: KillFilter, session: Session, self: Session): boolean {
  return (
    (filter.id === undefined || session.id === filter.id) &&
    (filter.type === undefined || typeOf(session) === filter.type) &&
    (filter.address === undefined || session.address === filter.address) &&
    (filter.user === undefined || session.user === filter.user) &&
    (filter.localAddress === undefined || session.localAddress === filter.localAddress) &&
    (session !== self || !filter.skipMe)
  );
}

/** From left to right: the first word that does not fit decides what is complained of, one without its value included. */
function readKillFilter(words: readonly string[], world: CommandWorld): KillFilter | Reply {
  const filter: KillFilter = { skipMe: true };
  for (let at = 0; at < words.length; at += 2) {
    const [option = '', value] = words.slice(at, at + 2);
    const failure = value === undefined ? SYNTAX_ERROR : applyFilter(filter, option.toUpperCase(), value, world);
    if (failure !== undefined) return failure;
  }
  return filter;
}

function applyFilter(filter: KillFilter, option: string, value: string, { access }: CommandWorld): Reply | undefined {
  switch (option) {
    case 'ID': {
      const id = parseInteger(value);
      if (id === undefined || id < 1n) return error('ERR client-id should be greater than 0');
      filter.id = Number(id);
      return undefined;
    }
    case 'TYPE': {
      const type = CLIENT_TYPES.get(value.toLowerCase());
      if (type === undefined) return unknownType(value);
      filter.type = type;
      return undefined;
    }
    case 'ADDR':
      filter.address = value;
      return undefined;
    case 'LADDR':
      filter.localAddress = value;
      return undefined;
    case 'USER':
      filter.user = value;
      return access.users.has(value) ? undefined : error(`ERR No such user '${value}'`);
    case 'SKIPME': {
      const skip = parseYesNo(value);
      if (skip === undefined) return SYNTAX_ERROR;
      filter.skipMe = skip;
      return undefined;
    }
    default:
      return SYNTAX_ERROR;
  }
}

/** CLIENT REPLY ON|OFF|SKIP: OFF and SKIP are not answered themselves. */
export function clientReply({ session, args }: Call): Outcome {
  switch (args[2]?.toUpperCase()) {
    case 'ON':
      session.replies = 'on';
      return answer(ok);
    case 'OFF':
      session.replies = 'off';
      return { replies: [] };
    case 'SKIP':
      if (session.replies === 'on') session.replies = 'skip-next';
      return { replies: [] };
    default:
      return answer(SYNTAX_ERROR);
  }
}

/** CLIENT NO-EVICT on|off: kept for the list; we evict nobody. */
export function clientNoEvict({ session, args }: Call): Outcome {
  const mode = args[2]?.toLowerCase();
  if (mode !== 'on' && mode !== 'off') return answer(SYNTAX_ERROR);
  session.noEvict = mode === 'on';
  return answer(ok);
}

/** CLIENT UNBLOCK id [TIMEOUT|ERROR]: nobody ever blocks here, so nobody is unblocked. */
export function clientUnblock({ args }: Call): Outcome {
  const [container = '', sub = '', id = '', reason] = args;
  if (args.length > 4) return answer(wrongNumberFor(container, sub));
  if (reason !== undefined && !['TIMEOUT', 'ERROR'].includes(reason.toUpperCase()))
    return answer(error('ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR'));
  return answer(parseInteger(id) === undefined ? NOT_AN_INTEGER : integer(0));
}
