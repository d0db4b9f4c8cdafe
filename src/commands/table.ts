// The commands of a sentinel: one row each. Dispatch, arity errors, COMMAND and HELP are loops over this table.
import { aclCommands } from '../config/acl/acl-commands.ts';
import { aclCat, aclDryRun, aclGenPass, aclGetUser, aclList, aclUsers, aclWhoAmI } from './acl/ask.ts';
import { aclDelUser, aclLoad, aclSave, aclSetUser } from './acl/change.ts';
import { aclLog } from './acl/denials.ts';
import {
  clientGetName,
  clientId,
  clientInfo,
  clientKill,
  clientList,
  clientNoEvict,
  clientReply,
  clientSetInfo,
  clientSetName,
  clientUnblock,
} from './client.ts';
import { commandCount, commandDocs, commandGetKeys, commandInfo, commandList, helpOf } from './command.ts';
import { auth, hello, ping, role, shutdown } from './connection.ts';
import { info } from './info.ts';
import { clientPause, clientUnpause } from './pause.ts';
import { publish, subscribeChannels, subscribePatterns, unsubscribeChannels, unsubscribePatterns } from './pubsub.ts';
import { config, debug, failover, flush, monitor, remove, reset, set, simulateFailure } from './sentinel-admin.ts';
import {
  checkQuorum,
  infoCache,
  isMasterDownByAddress,
  master,
  masterAddress,
  masters,
  myId,
  pendingScripts,
  replicas,
  sentinels,
} from './sentinel-read.ts';
import { CATEGORIES, type CommandSpec, type CommandTable, FLAGS, type Handler } from './spec.ts';
import { clientCaching, clientGetRedirection, clientTracking, clientTrackingInfo } from './tracking.ts';

/** A row of SENTINEL: all of them are the same but for what they do. */
function sentinelRow(name: string, arity: number, run: Handler, usage: string, summary: string, since = '2.8.4') {
  const flags = ['admin'];
  return { name, arity, run, usage, summary, since, group: 'sentinel', flags, categories: CATEGORIES.admin };
}

/** Another word for a row, which needs the same right. */
function newerName(name: string, arity: number, run: Handler, same: string): CommandSpec {
  const summary = `The same as ${same.toUpperCase()}.`;
  return { ...sentinelRow(name, arity, run, '', summary, '8.0.0'), sameRightAs: `sentinel|${same}` };
}

/** Their order is that of HELP. */
const sentinelRows: readonly CommandSpec[] = [
  {
    ...sentinelRow('ckquorum', 3, checkQuorum, '', 'Tell whether a failover could be agreed on and authorised.'),
    help: [
      [
        'CKQUORUM <master-name>',
        'Tell whether a failover could happen now: are enough',
        'sentinels usable to agree that the master is down,',
        'and is a majority of them left to authorise a leader?',
      ],
    ],
  },
  {
    ...sentinelRow('config', -3, config, '', 'Read or change global settings.', '6.2.0'),
    help: [
      ['CONFIG SET <param> <value>', 'Change a global setting, and save it.'],
      ['CONFIG GET <param>', 'Show the global settings that match a pattern.'],
    ],
  },
  {
    ...sentinelRow('debug', -2, debug, '', 'Show the periods, or change some of them.', '7.0.0'),
    help: [
      [
        'DEBUG [<param> <value> ...]',
        'Show the periods and time limits in milliseconds,',
        'or change some until the restart.',
      ],
    ],
  },
  sentinelRow(
    'get-master-addr-by-name',
    3,
    masterAddress,
    '<master-name>',
    'The address that clients of the master are to use.',
  ),
  {
    ...sentinelRow('failover', 3, failover, '', 'Fail over now, though nobody thinks the master is down.'),
    help: [
      [
        'FAILOVER <master-name>',
        'Fail over now, though nobody thinks that the master is down:',
        'no agreement of other sentinels is needed.',
      ],
    ],
  },
  {
    ...sentinelRow('flushconfig', 2, flush, '', 'Write the configuration file.'),
    help: [
      ['FLUSHCONFIG', 'Write the configuration file with all that is known,', 'also where it was lost or changed.'],
    ],
  },
  sentinelRow('info-cache', -3, infoCache, '<master-name>', 'The INFO texts known here, with their age.', '3.2.0'),
  {
    ...sentinelRow(
      'is-master-down-by-addr',
      6,
      isMasterDownByAddress,
      '',
      'Is that master down, and who has our vote?',
    ),
    help: [
      [
        'IS-MASTER-DOWN-BY-ADDR <ip> <port> <current-epoch> <runid>',
        'Asked by other sentinels: is the master at that address down?',
        'With a run id instead of * it asks for our vote as well.',
      ],
    ],
  },
  sentinelRow('master', 3, master, '<master-name>', 'What is known of a master.'),
  sentinelRow('masters', 2, masters, '', 'What is known of all masters.'),
  sentinelRow('monitor', 6, monitor, '<name> <ip> <port> <quorum>', 'Begin to monitor a master.'),
  sentinelRow('myid', 2, myId, '', 'The id of this sentinel.', '6.2.0'),
  sentinelRow('pending-scripts', 2, pendingScripts, '', 'The scripts that run or wait to be run.'),
  sentinelRow('remove', 3, remove, '<master-name>', 'Stop monitoring a master.'),
  sentinelRow('replicas', 3, replicas, '<master-name>', 'What is known of the replicas of a master.', '5.0.0'),
  sentinelRow('reset', 3, reset, '<pattern>', 'Forget everything learnt about the matching masters.'),
  sentinelRow('sentinels', 3, sentinels, '<master-name>', 'What is known of the other sentinels of a master.'),
  sentinelRow(
    'set',
    -5,
    set,
    '<master-name> <option> <value> [<option> <value> ...]',
    'Change options of a master, and save them.',
  ),
  sentinelRow(
    'simulate-failure',
    -3,
    simulateFailure,
    '[CRASH-AFTER-ELECTION] [CRASH-AFTER-PROMOTION] [HELP]',
    'End the process when it next leads a failover.',
    '3.2.0',
  ),
  // The old word for replicas: it works, but nobody is told about it.
  {
    ...sentinelRow('slaves', 3, replicas, '<master-name>', 'The same as REPLICAS.', '2.8.0'),
    deprecated: { since: '5.0.0', replacedBy: '`SENTINEL REPLICAS`' },
    help: [],
  },
  // Differs: redis-sentinel does not know them. Valkey does, and clients made for it ask in these words.
  newerName('get-primary-addr-by-name', 3, masterAddress, 'get-master-addr-by-name'),
  newerName('is-primary-down-by-addr', 6, isMasterDownByAddress, 'is-master-down-by-addr'),
  newerName('primaries', 2, masters, 'masters'),
  newerName('primary', 3, master, 'master'),
];

const help = (container: string, since: string, group: string, categories: readonly string[]): CommandSpec => ({
  name: 'help',
  arity: 2,
  flags: FLAGS.free,
  categories,
  summary: `Tell the subcommands of ${container}.`,
  since,
  group,
  help: [['HELP', 'Print this help.']],
  run: helpOf,
});

function clientRow(name: string, arity: number, run: Handler, usage: string, summary: string, since: string) {
  const flags = FLAGS.plain;
  return { name, arity, run, usage, summary, since, group: 'connection', flags, categories: CATEGORIES.connection };
}

const adminConnection = { flags: FLAGS.admin, categories: CATEGORIES.adminConnection };
const nondeterministic = { tips: ['nondeterministic_output'] };

const clientRows: readonly CommandSpec[] = [
  clientRow('caching', 3, clientCaching, '(YES|NO)', 'Track the keys of the next command, or not.', '6.0.0'),
  clientRow('getredir', 2, clientGetRedirection, '', 'Whom invalidations of tracked keys go to.', '6.0.0'),
  clientRow('getname', 2, clientGetName, '', 'The name of this connection.', '2.6.9'),
  clientRow('id', 2, clientId, '', 'The id of this connection.', '5.0.0'),
  {
    ...clientRow('info', 2, clientInfo, '', 'The line of this connection in CLIENT LIST.', '6.2.0'),
    ...nondeterministic,
  },
  {
    ...clientRow('kill', -3, clientKill, '', 'Close connections.', '2.4.0'),
    ...adminConnection,
    help: [
      ['KILL <ip:port>', 'Close the connection that comes from there.'],
      [
        'KILL <option> <value> [<option> <value> [...]]',
        'Close all connections that every option fits, and tell how many:',
        '* ADDR <ip:port>',
        '  come from there',
        '* LADDR <ip:port>',
        '  came in there',
        '* TYPE (NORMAL|MASTER|REPLICA|PUBSUB)',
        '  are of that type',
        '* USER <username>, ID <client-id>',
        '  belong to that user, have that id',
        '* SKIPME (YES|NO)',
        '  leave this connection out (default: yes).',
      ],
    ],
  },
  {
    ...clientRow('list', -2, clientList, '', 'All connections, or some, a line each.', '2.4.0'),
    ...adminConnection,
    ...nondeterministic,
    help: [
      [
        'LIST [options ...]',
        'A line for each connection, or for some of them:',
        '* TYPE (NORMAL|MASTER|REPLICA|PUBSUB)',
        '* ID <client-id> [<client-id> ...]',
      ],
    ],
  },
  {
    ...clientRow('unpause', 2, clientUnpause, '', 'Hold requests back no longer.', '6.2.0'),
    ...adminConnection,
  },
  {
    ...clientRow('pause', -3, clientPause, '<timeout> [WRITE|ALL]', 'Hold requests back for a while.', '2.9.50'),
    ...adminConnection,
  },
  clientRow('reply', 3, clientReply, '(ON|OFF|SKIP)', 'Whether this connection wants replies.', '3.2.0'),
  {
    ...clientRow('setinfo', 4, clientSetInfo, '(LIB-NAME|LIB-VER) <value>', 'Name the client library.', '7.2.0'),
    sameRightAs: 'client|setname',
  },
  clientRow('setname', 3, clientSetName, '<name>', 'Name this connection.', '2.6.9'),
  {
    ...clientRow('unblock', -3, clientUnblock, '<clientid> [TIMEOUT|ERROR]', 'End the waiting of a client.', '5.0.0'),
    ...adminConnection,
  },
  {
    ...clientRow('tracking', -3, clientTracking, '', 'Choose how changes of keys are told.', '6.0.0'),
    help: [
      [
        'TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]',
        '         [OPTIN] [OPTOUT] [NOLOOP]',
        'Choose how changes of keys are told; a sentinel has none.',
      ],
    ],
  },
  clientRow('trackinginfo', 2, clientTrackingInfo, '', 'What this connection tracks.', '6.2.0'),
  { ...clientRow('no-evict', 3, clientNoEvict, '(ON|OFF)', 'Protect from eviction.', '7.0.0'), ...adminConnection },
  help('CLIENT', '5.0.0', 'connection', CATEGORIES.connection),
];

function commandRow(name: string, arity: number, run: Handler, usage: string, summary: string, since: string) {
  const flags = FLAGS.free;
  return { name, arity, run, usage, summary, since, group: 'server', flags, categories: CATEGORIES.connection };
}

const anyOrder = { tips: ['nondeterministic_output_order'] };

const commandRows: readonly CommandSpec[] = [
  commandRow('count', 2, commandCount, '', 'How many commands there are.', '2.8.13'),
  {
    ...commandRow('list', -2, commandList, '', 'The names of all commands.', '7.0.0'),
    ...anyOrder,
    help: [['LIST', 'The names of all commands and subcommands.']],
  },
  {
    ...commandRow('info', -2, commandInfo, '', 'How commands are called.', '2.8.13'),
    ...anyOrder,
    help: [
      [
        'INFO [<command-name> ...]',
        'How commands are called: arity, flags, categories.',
        'Without a name: all commands. A subcommand is named',
        'with its container, as in sentinel|myid.',
      ],
    ],
  },
  {
    ...commandRow('docs', -2, commandDocs, '', 'What commands do.', '7.0.0'),
    ...anyOrder,
    help: [
      [
        'DOCS [<command-name> ...]',
        'What commands do, and since when they are there.',
        'Without a name: all commands. Names that',
        'nobody knows are left out.',
      ],
    ],
  },
  commandRow('getkeys', -4, commandGetKeys, '<full-command>', 'The keys of a command: none has any.', '2.8.13'),
  commandRow('getkeysandflags', -4, commandGetKeys, '<full-command>', 'The same with flags.', '7.0.0'),
  help('COMMAND', '5.0.0', 'server', CATEGORIES.connection),
];

function aclRow(name: string, arity: number, run: Handler, usage: string, summary: string) {
  const flags = FLAGS.plain;
  return { name, arity, run, usage, summary, since: '6.0.0', group: 'server', flags, categories: ['@slow'] };
}

const adminAcl = { flags: FLAGS.admin, categories: CATEGORIES.admin };

const aclRows: readonly CommandSpec[] = [
  {
    ...aclRow('cat', -2, aclCat, '[<category>]', 'All categories of commands, or the commands of one.'),
    help: [['CAT [<category>]', 'The commands of a category, or without one', 'all categories.']],
  },
  {
    ...aclRow('deluser', -3, aclDelUser, '<username> [<username> ...]', 'Remove users, and close their connections.'),
    ...adminAcl,
  },
  {
    ...aclRow('dryrun', -4, aclDryRun, '<username> <command> [<arg> ...]', 'May a user do that? Nothing is done.'),
    ...adminAcl,
    since: '7.0.0',
  },
  { ...aclRow('getuser', 3, aclGetUser, '<username>', 'What is known of a user.'), ...adminAcl },
  {
    ...aclRow('genpass', -2, aclGenPass, '[<bits>]', 'A random password.'),
    help: [['GENPASS [<bits>]', 'A random password in hex digits, good for so many bits;', '256 unless told.']],
  },
  { ...aclRow('list', 2, aclList, '', 'All users, each as the rules that make it.'), ...adminAcl },
  { ...aclRow('load', 2, aclLoad, '', 'Take the users of the ACL file instead of all there are.'), ...adminAcl },
  { ...aclRow('log', -2, aclLog, '[<count> | RESET]', 'What was refused to whom, the newest first.'), ...adminAcl },
  { ...aclRow('save', 2, aclSave, '', 'Write all users to the ACL file.'), ...adminAcl },
  {
    ...aclRow(
      'setuser',
      -3,
      aclSetUser,
      '<username> <attribute> [<attribute> ...]',
      'Make a user, or change its rights.',
    ),
    ...adminAcl,
  },
  { ...aclRow('users', 2, aclUsers, '', 'The names of all users.'), ...adminAcl },
  aclRow('whoami', 2, aclWhoAmI, '', 'The user of this connection.'),
  help('ACL', '6.0.0', 'server', ['@slow']),
];

const login = {
  arity: -2,
  flags: [...FLAGS.plain, 'fast', 'no_auth', 'allow_busy'],
  categories: CATEGORIES.fastConnection,
};
const listening = { flags: FLAGS.pubsub, categories: CATEGORIES.pubsub, since: '2.0.0', group: 'pubsub' };

const rows: readonly CommandSpec[] = [
  {
    name: 'acl',
    arity: -2,
    flags: [],
    categories: ['@slow'],
    summary: 'Users and their rights.',
    since: '6.0.0',
    group: 'server',
    subcommands: aclRows,
  },
  { name: 'auth', ...login, summary: 'Log in.', since: '1.0.0', group: 'connection', run: auth },
  {
    name: 'client',
    arity: -2,
    flags: [],
    categories: ['@slow'],
    summary: 'Connections of clients.',
    since: '2.4.0',
    group: 'connection',
    subcommands: clientRows,
  },
  {
    ...commandRow('command', -1, commandInfo, '', 'How all commands are called.', '2.8.13'),
    ...anyOrder,
    help: [['(no subcommand)', 'How all commands are called.']],
    subcommands: commandRows,
  },
  {
    name: 'hello',
    ...login,
    arity: -1,
    summary: 'Choose the protocol.',
    since: '6.0.0',
    group: 'connection',
    run: hello,
  },
  {
    name: 'info',
    arity: -1,
    flags: FLAGS.free,
    categories: ['@slow', '@dangerous'],
    tips: ['nondeterministic_output', 'request_policy:all_shards', 'response_policy:special'],
    summary: 'What the server says of itself.',
    since: '1.0.0',
    group: 'server',
    run: info,
  },
  {
    name: 'ping',
    arity: -1,
    flags: ['fast'],
    categories: CATEGORIES.fastConnection,
    tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
    summary: 'Tell that the server is alive.',
    since: '1.0.0',
    group: 'connection',
    run: ping,
  },
  {
    name: 'psubscribe',
    arity: -2,
    ...listening,
    summary: 'Listen to patterns.',
    channels: 'patterns',
    run: subscribePatterns,
  },
  {
    name: 'publish',
    arity: 3,
    flags: ['pubsub', 'loading', 'stale', 'fast'],
    categories: ['@pubsub', '@fast'],
    summary: 'Bring the hello of another sentinel.',
    since: '2.0.0',
    group: 'pubsub',
    channels: 'first',
    run: publish,
  },
  { name: 'punsubscribe', arity: -1, ...listening, summary: 'Stop listening to patterns.', run: unsubscribePatterns },
  {
    name: 'role',
    arity: 1,
    flags: [...FLAGS.plain, 'fast'],
    categories: ['@admin', '@fast', '@dangerous'],
    summary: 'Tell the role and the masters.',
    since: '2.8.12',
    group: 'server',
    run: role,
  },
  {
    name: 'sentinel',
    arity: -2,
    flags: ['admin'],
    categories: CATEGORIES.admin,
    summary: 'What the sentinel knows and does.',
    since: '2.8.4',
    group: 'sentinel',
    subcommands: [...sentinelRows, help('SENTINEL', '6.2.0', 'sentinel', ['@slow'])],
  },
  {
    name: 'shutdown',
    arity: -1,
    flags: [...FLAGS.admin, 'no_multi', 'allow_busy'],
    categories: CATEGORIES.admin,
    summary: 'End the process.',
    since: '1.0.0',
    group: 'server',
    run: shutdown,
  },
  {
    name: 'subscribe',
    arity: -2,
    ...listening,
    summary: 'Listen to channels.',
    channels: 'all',
    run: subscribeChannels,
  },
  { name: 'unsubscribe', arity: -1, ...listening, summary: 'Stop listening to channels.', run: unsubscribeChannels },
];

/** All commands by name. */
export const commandTable: CommandTable = new Map(rows.map((row) => [row.name, row]));

/** The commands as rights name them. */
export const aclTable = aclCommands(rows);

/** The commands by the names that `rename-command` left them: from such a name to the command's own. */
export function renamedTable(names: ReadonlyMap<string, string>): CommandTable {
  const renamed = new Map<string, CommandSpec>();
  for (const [name, own] of names) {
    const row = commandTable.get(own);
    if (row !== undefined) renamed.set(name, row);
  }
  return renamed;
}
