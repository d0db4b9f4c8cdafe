// Commands about the connection itself: PING, AUTH, HELLO, ROLE, SHUTDOWN.
import { array, bulk, bulks, error, integer, ok, type Reply, simple } from '../protocol/reply.ts';
import { defaultUserOf } from './acl/access.ts';
import { logIn } from './acl/login.ts';
import { parseInteger, refuseClientName, SYNTAX_ERROR, untilNul } from './arguments.ts';
import { answer, type Call, type Outcome, tell } from './outcome.ts';
import { subscriptionCount } from './session.ts';

const WRONG_PASSWORD: Reply = error('WRONGPASS invalid username-password pair or user is disabled.');

/** PING [message]. A RESP2 client that listens gets an array, like everything else it hears. */
export function ping({ args, session }: Call): Outcome {
  if (args.length > 2) return answer(error("ERR wrong number of arguments for 'ping' command"));
  const message = args[1];
  if (session.protocol === 2 && subscriptionCount(session) > 0) return tell(bulks(['pong', message ?? '']));
  return tell(message === undefined ? simple('PONG') : bulk(message));
}

/** ROLE: what we are, and the names of the masters. */
export function role({ world }: Call): Outcome {
  return tell(array([bulk('sentinel'), bulks([...world.state.masters.keys()])]));
}

/** AUTH password, AUTH user password. A failure leaves the connection as it was. */
export function auth({ world, session, args, clock }: Call): Outcome {
  if (args.length > 3) return answer(SYNTAX_ERROR);
  if (args.length === 2 && defaultUserOf(world.access).nopass)
    return answer(
      error(
        'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
      ),
    );
  const [typed = '', first = '', second = ''] = args;
  const [name, password] = args.length === 2 ? ['default', first] : [first, second];
  return answer(logIn(world.access, session, { name, password, typed }, clock) ? ok : WRONG_PASSWORD);
}

/** HELLO [version [AUTH user password] [SETNAME name]]; options take effect from left to right as they are read. */
export function hello(call: Call): Outcome {
  const { session, args } = call;
  const version = args[1] === undefined ? BigInt(session.protocol) : parseInteger(args[1]);
  if (version === undefined) return answer(error('ERR Protocol version is not an integer or out of range'));
  if (version !== 2n && version !== 3n) return answer(error('NOPROTO unsupported protocol version'));
  const failure = helloOptions(call);
  if (failure !== undefined) return answer(failure);
  if (!session.authenticated)
    return answer(
      error(
        'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time',
      ),
    );
  session.protocol = version === 3n ? 3 : 2;
  return answer(helloReply(call));
}

function helloOptions({ world, session, args, clock }: Call): Reply | undefined {
  for (let at = 2; at < args.length; ) {
    const option = args[at] ?? '';
    const left = args.length - at - 1;
    if (option.toUpperCase() === 'AUTH' && left >= 2) {
      const [name = '', password = ''] = args.slice(at + 1, at + 3);
      if (!logIn(world.access, session, { name, password, typed: args[0] ?? '' }, clock)) return WRONG_PASSWORD;
      at += 3;
    } else if (option.toUpperCase() === 'SETNAME' && left >= 1) {
      const clientName = args[at + 1] ?? '';
      const refusal = refuseClientName(clientName);
      if (refusal !== undefined) return refusal;
      session.name = clientName;
      at += 2;
    } else return error(`ERR Syntax error in HELLO option '${untilNul(option)}'`);
  }
  return undefined;
}

/** No `role` entry: redis-sentinel 7.0.15 leaves it out in sentinel mode. */
function helloReply({ world, session }: Call): Reply {
  const entries: [string, Reply][] = [
    ['server', bulk('redis')],
    ['version', bulk(world.facts().version)],
    ['proto', integer(session.protocol)],
    ['id', integer(session.id)],
    ['mode', bulk('sentinel')],
    ['modules', array([])],
  ];
  return { kind: 'map', entries: entries.map(([name, value]) => [bulk(name), value]) };
}

/** SHUTDOWN [NOSAVE|SAVE] [NOW] [FORCE] [ABORT]: the process ends without a reply. */
export function shutdown({ args }: Call): Outcome {
  const words = args.slice(1).map((word) => word.toUpperCase());
  const known = words.every((word) => ['NOSAVE', 'SAVE', 'NOW', 'FORCE', 'ABORT'].includes(word));
  const contradictory = words.includes('SAVE') && words.includes('NOSAVE');
  const aborts = words.includes('ABORT');
  if (!known || contradictory || (aborts && words.length > 1)) return answer(SYNTAX_ERROR);
  if (aborts) return answer(error('ERR No shutdown in progress.'));
  return { replies: [], shutdown: true };
}
