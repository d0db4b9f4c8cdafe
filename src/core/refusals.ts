// What a node or peer refuses us, told to the operator together with what would help.
// Differs: the genuine server reads no reply to AUTH and takes any refusal for silence, so that all one sees of a wrong
// password or a missing right is an instance that is down for no reason.
import { describe } from './events.ts';
import { HELLO_CHANNEL } from './links.ts';
import { masterOf, refTo } from './query.ts';
import type { Instance, Link, Master, Ms, SentinelState } from './state.ts';
import { log, type Turn } from './turn.ts';

/** What lasts is told again this often: once is enough to act on, and a log that is rotated away says nothing. */
const REPEAT_MS: Ms = 60 * 60 * 1000;

/** Our credentials towards an instance, by the names that the operator knows them by. */
interface Credentials {
  /** Whom we log in as; `default` when nothing is said. */
  readonly user: string;
  readonly setBy: string;
}

interface Refusal {
  /** How such a reply begins. Whatever else it says is not repeated: only we know what may be in a log. */
  readonly pattern: RegExp;
  /** What is told once: the refusal, or one right that is missing. */
  readonly what: (match: RegExpExecArray) => string;
  readonly explain: (credentials: Credentials, match: RegExpExecArray) => string;
}

const REFUSALS: readonly Refusal[] = [
  {
    // The second form is that of Redis before 6.
    pattern: /^(?:WRONGPASS|ERR invalid password)/,
    what: () => 'password',
    explain: ({ user, setBy }) => `refuses our password for user '${user}' (WRONGPASS): check ${setBy}`,
  },
  {
    pattern: /^NOAUTH/,
    what: () => 'password',
    explain: ({ setBy }) => `wants us to log in (NOAUTH): set ${setBy}`,
  },
  {
    // Releases put it in different ways, but the command stands in quotes in all of them.
    pattern: /^NOPERM .*'([\w|.-]+)' command/,
    what: ([, command]) => `+${command}`,
    explain: ({ user }, [, command]) =>
      `does not let user '${user}' run ${command} (NOPERM): say there ACL SETUSER ${user} +${command}`,
  },
  {
    pattern: /^NOPERM .*channel/,
    what: () => 'channel',
    explain: ({ user }) =>
      `does not let user '${user}' use the channel of hellos (NOPERM): say there ACL SETUSER ${user} &${HELLO_CHANNEL}`,
  },
  {
    pattern: /^DENIED/,
    what: () => 'denied',
    explain: () => 'is in protected mode and lets nobody in from other machines: give it a password',
  },
  {
    pattern: /^ERR max number of clients/,
    what: () => 'full',
    explain: () => 'has as many clients as its maxclients allows, and no place for us',
  },
];

/** What a PONG proves to be over. The rights to other commands are not among it. */
const OVER_WITH_PONG = ['denied', 'full', 'tls'];

/** An error reply came over `link`: tell it if it says that we may not do what we have to. */
export function reportRefusal(turn: Turn, link: Link, text: string): void {
  for (const { pattern, what, explain } of REFUSALS) {
    const match = pattern.exec(text);
    if (match === null) continue;
    return tellOnce(turn, link, what(match), (instance, master) =>
      explain(credentialsFor(turn.state, instance, master), match),
    );
  }
}

/** TLS says what is wrong when it breaks a connection; a connection that is refused or lost has been told by sdown. */
const TLS_REASON = /\b(?:SSL|TLS)\b|certificate/;

/** A connection of `link` ended or did not come about. */
export function reportBrokenTls(turn: Turn, link: Link, reason: string): void {
  if (TLS_REASON.test(reason)) tellOnce(turn, link, 'tls', () => `can't be spoken to over TLS: ${reason}`);
}

/** We are logged in: the next refusal is a new one. */
export function acceptedPassword(link: Link): void {
  link.refusals.delete('password');
}

/** An acceptable PONG came. */
export function acceptedPing(link: Link): void {
  for (const what of OVER_WITH_PONG) link.refusals.delete(what);
}

function tellOnce(turn: Turn, link: Link, what: string, text: (instance: Instance, master: Master) => string): void {
  const toldAt = link.refusals.get(what);
  if (toldAt !== undefined && turn.now - toldAt < REPEAT_MS) return;
  const [id = 0] = link.users;
  const instance = turn.state.instances.get(id);
  if (instance === undefined) return;
  link.refusals.set(what, turn.now);
  const about = describe(refTo(turn.state, instance));
  log(turn, 'warning', `${about} ${text(instance, masterOf(turn.state, instance))}`);
}

function credentialsFor({ settings }: SentinelState, instance: Instance, master: Master): Credentials {
  const orDefault = (pass: string | undefined, user: string | undefined) =>
    pass === undefined || user === undefined ? 'default' : user;
  if (instance.kind !== 'peer') {
    const { authPass, authUser } = master.options;
    const setBy = `'sentinel auth-pass ${master.name}' and 'sentinel auth-user ${master.name}'`;
    return { user: orDefault(authPass, authUser), setBy };
  }
  const { sentinelPass, sentinelUser } = settings;
  const setBy =
    "'sentinel sentinel-pass' and 'sentinel sentinel-user', or requirepass where all sentinels have the same";
  return { user: orDefault(sentinelPass, sentinelUser), setBy };
}
