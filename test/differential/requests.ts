// Conversations that nobody thought of: requests over the words that a sentinel knows, and over words near them.
// What they change is about masters of their own (`scratch`, `other`), and is undone by `undo`.
import fc from 'fast-check';
import type { Conversation } from './known.ts';

type Words = fc.Arbitrary<readonly string[]>;

const word = (...texts: readonly string[]) => fc.constantFrom(...texts);
const HEX = 'a1b2c3d4e5'.repeat(4);
/** A known master that nothing may harm, one to play with, and some that are not there. */
const master = word('mymaster', 'scratch', 'scratch', 'other', 'nobody', 'MYMASTER', '', 'scratch\0x', 'a b');
const integer = word(
  ...['0', '1', '2', '-1', '10', '65535', '65536', '2147483647', '2147483648', '4294967296', '9223372036854775807'],
  ...[
    '9223372036854775808',
    '99999999999999999999',
    '01',
    '+1',
    ' 1',
    '1 ',
    '1.0',
    '1e3',
    '-0',
    '',
    'abc',
    '1\0',
    '0x10',
  ],
);
const odd = word(
  '',
  ' ',
  'x',
  'a b',
  '\0',
  'a\0b',
  '\xff\xfe',
  'a\r\nb',
  "it's",
  '"',
  '\\',
  'x'.repeat(200),
  '*',
  '🙂',
);
const glob = word(
  '*',
  '?',
  's*',
  '[a-z]*',
  '[^x]*',
  '\\*',
  '[',
  '[a',
  'a[',
  '**',
  'scratch',
  'SCRATCH',
  '',
  '[]]',
  '[+-]x',
  '?*?',
);
/** Patterns for RESET: none of them may fit `mymaster`. */
const scratchGlob = word(
  'scratch',
  's*',
  'scr?tch',
  '[s-t]cratch',
  '[^m]*',
  'nobody',
  '',
  'SCRATCH',
  '\\s*',
  '[m',
  'x*',
);
const channel = word('+sdown', '+switch-master', '-odown', 'news', '__sentinel__:hello', '', 'a b', '\xff');
const host = word('127.0.0.1', '127.0.0.1', '127.0.0.1', '127.1', '::1', '300.1.1.1', '', 'x y', '1.2.3');
/** No number beyond 32 bits: those are cut by the genuine server and refused by us. */
const port = word(
  '{deadport}',
  '{xport}',
  '{deadport}',
  '0',
  '1',
  '-1',
  '65535',
  '65536',
  '01',
  '+1',
  '',
  'x',
  '1.0',
  '1\0',
);
const yesNo = word('yes', 'no', 'YES', 'No', 'maybe', '', '1');
const anyWord = fc.oneof(
  master,
  integer,
  odd,
  glob,
  channel,
  word('ID', 'TYPE', 'AUTH', 'GET', 'SET', 'HELP', 'yes', 'ON'),
);

const line = (...parts: readonly (string | fc.Arbitrary<string>)[]): Words =>
  fc.tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part)));
const more = (head: Words, part: fc.Arbitrary<string>, maxLength = 3): Words =>
  fc.tuple(head, fc.array(part, { maxLength })).map(([first, rest]) => [...first, ...rest]);
const pairs = (head: Words, pair: Words, maxLength = 3): Words =>
  fc.tuple(head, fc.array(pair, { maxLength })).map(([first, rest]) => [...first, ...rest.flat()]);

const asking: readonly Words[] = [
  line('SENTINEL', word('MASTER', 'replicas', 'SLAVES', 'sentinels', 'ckquorum', 'get-master-addr-by-name'), master),
  line('SENTINEL', word('MASTERS', 'myid', 'PENDING-SCRIPTS')),
  more(line('SENTINEL', 'INFO-CACHE', master), master),
  more(
    line('SENTINEL', 'CONFIG', 'GET'),
    word('*', 'ANNOUNCE-*', 'announce-ip', 'a*p\0x', 'x', '', '[ar]*', 'sentinel-?ass'),
    2,
  ),
  line('SENTINEL', word('FAILOVER', 'REMOVE'), word('nobody', '', 'MYMASTER')),
  more(line('SENTINEL', 'DEBUG'), word('x', 'info-period', '0', ''), 2),
  more(line('PING'), odd, 2),
  more(line('ROLE'), odd, 1),
  more(
    line('INFO'),
    word('server', 'CLIENTS', 'stats', 'cpu', 'Sentinel', 'replication', 'all', 'default', 'everything', ''),
    3,
  ),
  line('CLIENT', word('ID', 'getname', 'INFO', 'GETREDIR', 'trackinginfo', 'LIST')),
  more(line('CLIENT', 'LIST'), word('TYPE', 'normal', 'PUBSUB', 'replica', 'master', 'ID', '999999', 'x', '-1'), 3),
  more(
    line('CLIENT', 'KILL'),
    word('ID', '999999', '0', 'TYPE', 'x', 'ADDR', '1.2.3.4:5', 'USER', 'nobody', 'SKIPME', 'yes', 'no'),
    4,
  ),
  line('CLIENT', 'UNBLOCK', integer),
  line('CLIENT', 'UNBLOCK', integer, word('TIMEOUT', 'error', 'x')),
  line('COMMAND', word('COUNT', 'list', 'INFO', 'docs')),
  more(
    line('COMMAND', word('INFO', 'DOCS')),
    word('ping', 'SENTINEL', 'sentinel|myid', 'client|x', 'get', 'acl', ''),
    3,
  ),
  more(
    line('COMMAND', 'LIST', 'FILTERBY'),
    word('ACLCAT', 'PATTERN', 'module', 'admin', 'nosuch', 'sentinel|*', 'C*'),
    2,
  ),
  more(
    line('COMMAND', word('GETKEYS', 'GETKEYSANDFLAGS')),
    word('ping', 'get', 'sentinel', 'myid', 'x', 'client', 'ID'),
    4,
  ),
  line('ACL', word('WHOAMI', 'CAT')),
  line('ACL', 'CAT', word('admin', 'FAST', 'nosuch', 'keyspace', '')),
  line('ACL', 'GENPASS', integer),
];

const talking: readonly Words[] = [
  line('HELLO', word('2', '3', '2', '3', '4', '1', 'x', '03', '')),
  pairs(
    line('HELLO', word('2', '3')),
    fc.oneof(line('SETNAME', word('n', 'a b', '')), line('AUTH', word('default', 'nobody'), odd), line(odd)),
    2,
  ),
  line('HELLO'),
  more(line('AUTH'), odd, 3),
  line('CLIENT', 'SETNAME', odd),
  line('CLIENT', 'REPLY', word('ON', 'OFF', 'SKIP', 'skip', 'x')),
  line('CLIENT', 'NO-EVICT', word('ON', 'off', 'x')),
  more(line(word('SUBSCRIBE', 'psubscribe')), channel, 3),
  more(line(word('UNSUBSCRIBE', 'punsubscribe', 'SUBSCRIBE', 'PSUBSCRIBE')), glob, 3),
  line('SHUTDOWN', word('x', 'ABORT', '', 'nosave x')),
  line('SHUTDOWN', 'ABORT', word('NOW', 'SAVE')),
  line('PUBLISH', fc.oneof(channel, odd), odd),
  line(word('QUIT', 'RESET', 'ECHO', 'CONFIG', 'MULTI', 'SELECT', 'GET', 'SENTINEL|MYID', ''), odd),
  line(word('CLIENT', 'sentinel', 'ACL', 'command'), odd),
];

const setOption = fc.oneof(
  line(
    word('down-after-milliseconds', 'DOWN-AFTER-MILLISECONDS'),
    word('0', '-1', 'abc', '', '60000', '700000', '1.5'),
  ),
  line(word('failover-timeout', 'parallel-syncs', 'Quorum'), word('0', '-1', '1', '5', '01', '2147483647', '', 'x')),
  line('master-reboot-down-after-period', word('0', '1', '-1', 'x', '')),
  line(word('notification-script', 'client-reconfig-script'), word('', '/bin/true', '/nonexistent')),
  line(word('auth-pass', 'AUTH-USER'), odd),
  line('rename-command', word('PING', 'ping', '', 'x'), word('PONG', 'PING', '', 'a b')),
  line(word('fakeoption', '', 'quorum', 'rename-command')),
);

const hello = fc
  .tuple(
    word(`127.0.0.2,{deadport},${HEX}`, `127.0.0.1,{xport},${HEX}`, '127.0.0.1,{s2port},{s2id}'),
    word('scratch', 'nobody', 'scratch'),
  )
  .map(([peer, name]) => `${peer},1,${name},127.0.0.1,{deadport},0`);

const tunable = line(
  word('info-period', 'PING-PERIOD', 'ask-period', 'publish-period', 'default-down-after', 'default-failover-timeout'),
  word('0', '-1', 'x', '', '50000', '2147483647', '01'),
);

const changing: readonly Words[] = [
  line(
    'SENTINEL',
    'MONITOR',
    word('other', 'other', 'scratch', ''),
    host,
    port,
    word('1', '2', '0', '-1', '01', 'x', '', '1\0'),
  ),
  line('SENTINEL', 'MONITOR', word('other', 'mymaster'), '127.0.0.1', '{deadport}', word('1', '2', '0', 'x')),
  line('SENTINEL', 'REMOVE', word('scratch', 'other')),
  line('SENTINEL', 'RESET', scratchGlob),
  line('SENTINEL', 'FAILOVER', word('scratch', 'other')),
  line('SENTINEL', 'FLUSHCONFIG'),
  pairs(line('SENTINEL', 'SET', word('scratch', 'scratch', 'scratch', 'nobody')), setOption, 3),
  // Votes about `mymaster` only: of a master that was removed and is back, we remember that we voted.
  line(
    'SENTINEL',
    'IS-MASTER-DOWN-BY-ADDR',
    '127.0.0.1',
    '{mport}',
    word('0', '1', '2', '3', 'x', ''),
    word('*', HEX, '{s2id}', ''),
  ),
  line('SENTINEL', 'IS-MASTER-DOWN-BY-ADDR', host, port, word('0', '2', '', 'x', '01'), '*'),
  line(
    'SENTINEL',
    'CONFIG',
    'SET',
    word('announce-ip', 'announce-port', 'x', 'ANNOUNCE-HOSTNAMES'),
    fc.oneof(yesNo, word('1.2.3.4', '0', '70000', '-1')),
  ),
  pairs(line('SENTINEL', 'DEBUG'), tunable, 3),
  line('SENTINEL', 'DEBUG', word('info-period', 'x')),
  line('PUBLISH', '__sentinel__:hello', hello),
];

/** A name that some command has, followed by anything. */
const noise = more(
  line(word('SENTINEL', 'CLIENT', 'command', 'INFO', 'ping', 'HELLO', 'ROLE', 'PUBLISH', 'nosuch'), anyWord),
  anyWord,
  4,
).filter(isHarmless);

/** Noise must not, by chance, take away what the rest of the suite is about. */
function isHarmless(words: readonly string[]): boolean {
  const text = words.join(' ').toLowerCase();
  return !/^sentinel (reset|failover|remove|set|monitor)/.test(text) && !/^client (kill|pause)/.test(text);
}

/** One to six requests of one connection. */
export const conversation: fc.Arbitrary<Conversation> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.oneof(...asking) },
    { weight: 4, arbitrary: fc.oneof(...talking) },
    { weight: 4, arbitrary: fc.oneof(...changing) },
    { weight: 1, arbitrary: noise },
  ),
  { minLength: 1, maxLength: 6 },
);

const CHANGES = /^(sentinel (monitor|remove|reset|failover|set|is-master|config set|debug)|publish)/i;

/** Does a conversation change more than its own connection? */
export const changesState = (requests: Conversation) => requests.some((words) => CHANGES.test(words.join(' ')));

const TUNABLES = ['info-period', '10000', 'ping-period', '1000', 'ask-period', '1000', 'publish-period', '2000'];
const DEFAULTS = ['default-down-after', '30000', 'default-failover-timeout', '180000'];

/** What brings both servers back to where they were before any conversation. */
export const undo: Conversation = [
  ...['scratch', 'other', ''].map((name) => ['SENTINEL', 'REMOVE', name]),
  ['SENTINEL', 'DEBUG', ...TUNABLES, ...DEFAULTS],
  ...['announce-hostnames', 'resolve-hostnames'].map((name) => ['SENTINEL', 'CONFIG', 'SET', name, 'no']),
  ['SENTINEL', 'CONFIG', 'SET', 'announce-ip', ''],
  ['SENTINEL', 'CONFIG', 'SET', 'announce-port', '0'],
  ['SENTINEL', 'MONITOR', 'scratch', '127.0.0.1', '{deadport}', '2'],
  // Nothing listens there: nobody is to notice while the suite runs.
  ['SENTINEL', 'SET', 'scratch', 'down-after-milliseconds', '10000000'],
];

/** Questions whose answers show all that a conversation may have changed. */
export const snapshot: Conversation = [
  ['SENTINEL', 'MASTERS'],
  ['SENTINEL', 'SENTINELS', 'scratch'],
  ['SENTINEL', 'CONFIG', 'GET', '*'],
  ['SENTINEL', 'DEBUG'],
  ['INFO', 'sentinel'],
  ['ROLE'],
];
