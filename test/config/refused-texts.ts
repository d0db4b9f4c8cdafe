// Texts that are refused, with the line and the reason: checked against ours here, and against redis-sentinel 7.0.15
// in test/integration/config-genuine.test.ts, so the two cannot drift apart.

export interface RefusedText {
  readonly why: string;
  readonly text: string;
  readonly line: number;
  readonly reason: string;
}

const NUMBER_OF_ARGUMENTS = 'wrong number of arguments';
const BAD_DIRECTIVE = 'Bad directive or wrong number of arguments';
const UNRECOGNIZED = 'Unrecognized sentinel configuration statement.';
const NOT_AN_INTEGER = "argument couldn't be parsed into an integer";
const BUFFER_SETTING = 'Error in hard, soft or soft_seconds setting in buffer limit configuration.';
const QUERY_LIMIT = 'argument must be between 1048576 and 9223372036854775807 inclusive';

/** One general directive on line 2. */
const general = (why: string, directive: string, reason: string): RefusedText => ({
  why,
  text: `port 26379\n${directive}\n`,
  line: 2,
  reason,
});

/** `sentinel` lines behind a master `m` on line 1; the last one is at fault. */
const sentinel = (why: string, directives: string, reason: string): RefusedText => {
  const lines = directives.split('\n').map((line) => `sentinel ${line}`);
  return { why, text: `sentinel monitor m 127.0.0.1 6379 2\n${lines.join('\n')}`, line: 1 + lines.length, reason };
};

export const refusedTexts: readonly RefusedText[] = [
  general('unbalanced quotes', `logfile 'x`, 'Unbalanced quotes in configuration line'),
  general('a word behind a closing quote', `logfile "x"y`, 'Unbalanced quotes in configuration line'),
  general('unknown name', 'sentinel-port 1', BAD_DIRECTIVE),
  general('empty first word', '""', BAD_DIRECTIVE),
  general('retired name without value', 'list-max-ziplist-entries', BAD_DIRECTIVE),
  general('retired name with two values', 'list-max-ziplist-entries 1 2', BAD_DIRECTIVE),
  general('include without value', 'include', BAD_DIRECTIVE),
  general('include with two', 'include a b', BAD_DIRECTIVE),
  general('user without name', 'user', BAD_DIRECTIVE),
  general('loadmodule without path', 'loadmodule', BAD_DIRECTIVE),
  general('rename-command with one word', 'rename-command PING', BAD_DIRECTIVE),
  general('module setting without value', 'foo.bar', 'Module config specified without value'),
  general('a comment behind a value', 'port 21200 # c', NUMBER_OF_ARGUMENTS),
  general('no value', 'port', NUMBER_OF_ARGUMENTS),
  general('dir with two', 'dir a b', NUMBER_OF_ARGUMENTS),
  general('replicaof with one', 'replicaof x', NUMBER_OF_ARGUMENTS),
  general('replicaof with a bad port', 'replicaof 127.0.0.1 x', 'Invalid master port'),
  general('three oom values', 'oom-score-adj-values 1 2', NUMBER_OF_ARGUMENTS),
  general(
    'oom value too large',
    'oom-score-adj-values 1 2 3000',
    'Invalid oom-score-adj-values, elements must be between -2000 and 2000.',
  ),
  general('save with one', 'save 60', 'Invalid save parameters'),
  general('neither yes nor no', 'protected-mode true', "argument must be 'yes' or 'no'"),
  general(
    'not one of the values',
    'loglevel loud',
    'argument(s) must be one of the following: debug, verbose, notice, warning',
  ),
  general(
    'values are named in table order',
    'supervised x',
    'argument(s) must be one of the following: upstart, systemd, auto, no',
  ),
  general('leading zero', 'timeout 007', NOT_AN_INTEGER),
  general('minus zero', 'timeout -0', NOT_AN_INTEGER),
  general('plus', 'timeout +5', NOT_AN_INTEGER),
  general('empty number', 'timeout ""', NOT_AN_INTEGER),
  general('more than 64 bit', 'tcp-backlog 99999999999999999999', NOT_AN_INTEGER),
  general('port too large', 'port 65536', 'argument must be between 0 and 65535 inclusive'),
  general('maxclients needs one', 'maxclients 0', 'argument must be between 1 and 4294967295 inclusive'),
  general('negative where unsigned', 'maxclients -1', 'argument must be between 1 and 4294967295 inclusive'),
  general('no octal number', 'unixsocketperm 888', "argument couldn't be parsed as an octal number"),
  general('octal limits are shown in octal', 'unixsocketperm 1777', 'argument must be between 0 and 777 inclusive'),
  general('unknown unit', 'maxmemory 1TB', 'argument must be a memory value'),
  general('negative size', 'client-query-buffer-limit -5', 'argument must be a memory value'),
  general('size too small', 'client-query-buffer-limit 10', QUERY_LIMIT),
  general('a unit alone is 0', 'client-query-buffer-limit kb', QUERY_LIMIT),
  general('size too large', 'client-query-buffer-limit 99999999999999999999', QUERY_LIMIT),
  general('neither size nor percentage', 'maxmemory-clients 5x', 'argument must be a memory or percent value'),
  general('percentage too large', 'maxmemory-clients 120%', 'percentage argument must be less or equal to 100'),
  general('more than sixteen addresses', `bind ${'127.0.0.1 '.repeat(17)}`, 'Too many bind addresses specified.'),
  general(
    'limit with three words',
    'client-output-buffer-limit normal 0 0',
    'Wrong number of arguments in buffer limit configuration.',
  ),
  general(
    'unknown class',
    'client-output-buffer-limit foo 0 0 0',
    'Invalid client class specified in buffer limit configuration.',
  ),
  general(
    'a class that has no limit',
    'client-output-buffer-limit master 0 0 0',
    'Invalid client class specified in buffer limit configuration.',
  ),
  general('bad soft limit', 'client-output-buffer-limit normal 0 x 0', BUFFER_SETTING),
  general('negative seconds', 'client-output-buffer-limit normal 0 0 -1', BUFFER_SETTING),
  general('characters behind the seconds', 'client-output-buffer-limit normal 0 0 1x', BUFFER_SETTING),
  general(
    'unknown title variable',
    'proc-title-template {foo}',
    'template format is invalid or contains unknown variables',
  ),
  general('empty title', 'proc-title-template ""', 'template format is invalid or contains unknown variables'),
  general(
    'a host name with a blank',
    'cluster-announce-hostname "a b"',
    'Hostnames may only contain alphanumeric characters, hyphens or dots',
  ),
  general('a path for a file name', 'dbfilename a/b', "dbfilename can't be a path, just a filename"),
  general('an empty file name', 'appendfilename ""', "appendfilename can't be empty"),
  general('a path for a directory name', 'appenddirname a/b', "appenddirname can't be a path, just a dirname"),
  general(
    'no percentile',
    'latency-tracking-info-percentiles x',
    'Invalid latency-tracking-info-percentiles parameters',
  ),
  general(
    'percentile too large',
    'latency-tracking-info-percentiles 101',
    'latency-tracking-info-percentiles parameters should sit between [0.0,100.0]',
  ),
  general(
    'contradicting shutdown options',
    'shutdown-on-sigterm save nosave',
    "shutdown options SAVE and NOSAVE can't be used simultaneously",
  ),
  general(
    'unknown shutdown option',
    'shutdown-on-sigterm foo',
    'argument(s) must be one of the following: default, save, nosave, now, force',
  ),
  general('unknown event class', 'notify-keyspace-events Q', "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."),
  general('no such directory', 'dir /no-such-directory', 'No such file or directory'),
  general('the empty directory', 'dir ""', 'No such file or directory'),
  {
    why: 'a user twice',
    text: 'user default on nopass ~* &* +@all\nuser default on nopass ~* &* +@all\n',
    line: 2,
    reason:
      "Error in user declaration 'default': Duplicate user found. A user can only be defined once in config files",
  },

  sentinel('unknown word', 'foo', UNRECOGNIZED),
  sentinel('empty word', '""', UNRECOGNIZED),
  sentinel('a directive of release 2.8', 'can-failover m yes', UNRECOGNIZED),
  sentinel('monitor with too few values', 'monitor n 127.0.0.1 6379', UNRECOGNIZED),
  sentinel('an option with too many', 'parallel-syncs m 1 2', UNRECOGNIZED),
  sentinel('a comment behind a value', 'down-after-milliseconds m 5000 # five seconds', UNRECOGNIZED),
  sentinel('an unquoted blank', 'auth-pass m correct horse', UNRECOGNIZED),
  sentinel('unbalanced quotes', `auth-pass m don't`, 'Unbalanced quotes in configuration line'),
  sentinel('quorum 0', 'monitor n 127.0.0.1 6379 0', 'Quorum must be 1 or greater.'),
  sentinel('quorum that wraps to negative', 'monitor n 127.0.0.1 6379 2147483648', 'Quorum must be 1 or greater.'),
  sentinel('quorum that saturates', 'monitor n 127.0.0.1 6379 99999999999999999999', 'Quorum must be 1 or greater.'),
  sentinel('quorum is checked before the port', 'monitor n bad.host 99999 0', 'Quorum must be 1 or greater.'),
  sentinel('the port before the host', 'monitor n bad.host 99999 1', 'Invalid port number.'),
  sentinel('negative port', 'monitor n 127.0.0.1 -1 1', 'Invalid port number.'),
  sentinel('a name while names are off', 'monitor n node-a.example 6379 1', "Can't resolve instance hostname."),
  sentinel('the host before the repeated name', 'monitor m bad.host 6379 1', "Can't resolve instance hostname."),
  sentinel('brackets', 'monitor n [::1] 6379 1', "Can't resolve instance hostname."),
  sentinel('256 is no byte', 'monitor n 256.1.1.1 6379 1', "Can't resolve instance hostname."),
  sentinel('the empty host', 'monitor n "" 6379 1', "Can't resolve instance hostname."),
  sentinel('same name', 'monitor m 127.0.0.2 6379 1', 'Duplicate master name.'),
  sentinel('no such master', 'auth-pass M x', 'No such master with specified name.'),
  sentinel(
    'the master before the script',
    'notification-script n /no-such-script',
    'No such master with specified name.',
  ),
  sentinel('down-after 0', 'down-after-milliseconds m 0', 'negative or zero time parameter.'),
  sentinel('down-after without a digit', 'down-after-milliseconds m abc', 'negative or zero time parameter.'),
  sentinel('negative failover-timeout', 'failover-timeout m -1', 'negative or zero time parameter.'),
  sentinel('negative reboot period', 'master-reboot-down-after-period m -1', 'negative time parameter.'),
  sentinel(
    'no script',
    'notification-script m /no-such-script',
    'Notification script seems non existing or non executable.',
  ),
  sentinel('empty script', 'notification-script m ""', 'Notification script seems non existing or non executable.'),
  sentinel(
    'no reconfiguration script',
    'client-reconfig-script m /no-such-script',
    'Client reconfiguration script seems non existing or non executable.',
  ),
  sentinel('replica port', 'known-replica m 127.0.0.1 -2', 'Invalid port number.'),
  sentinel('replica name', 'known-replica m bad 2', "Can't resolve instance hostname."),
  sentinel(
    'replica twice',
    'known-replica m 127.0.0.1 2\nknown-replica m 127.0.0.1 2',
    'Duplicate hostname and port for replica.',
  ),
  sentinel(
    'replica twice, spelled differently',
    'known-replica m ::1 2\nknown-replica m 0:0::1 2',
    'Duplicate hostname and port for replica.',
  ),
  sentinel(
    'old replica twice',
    'known-slave m 127.0.0.1 2\nknown-slave m 127.0.0.1 2',
    'Duplicate hostname and port for replica.',
  ),
  sentinel('peer host', 'known-sentinel m bad 2 id', "Can't resolve instance hostname."),
  sentinel(
    'peer id twice',
    'known-sentinel m 127.0.0.1 2 id\nknown-sentinel m 127.0.0.2 2 id',
    'Duplicate runid for sentinel.',
  ),
  sentinel(
    'command renamed twice',
    'rename-command m CONFIG a\nrename-command m config b',
    'Same command renamed multiple times with rename-command.',
  ),
  sentinel('short id', 'myid abc', 'Malformed Sentinel id in myid option.'),
  sentinel(
    'deny-scripts-reconfig',
    'deny-scripts-reconfig maybe',
    'Please specify yes or no for the deny-scripts-reconfig options.',
  ),
  sentinel(
    'resolve-hostnames',
    'resolve-hostnames maybe',
    'Please specify yes or no for the resolve-hostnames option.',
  ),
  sentinel('announce-hostnames', 'announce-hostnames 1', 'Please specify yes or no for the announce-hostnames option.'),
  sentinel('announce-ip without value', 'announce-ip', UNRECOGNIZED),
  {
    why: 'general errors come before all sentinel errors',
    text: 'sentinel foo\nsentinel monitor m 127.0.0.1 1 0\nport x\n',
    line: 3,
    reason: NOT_AN_INTEGER,
  },
  {
    why: 'pass 1 before pass 2 before pass 3',
    text: 'sentinel auth-pass n x\nsentinel monitor a 127.0.0.1 1 0\nsentinel myid x\n',
    line: 3,
    reason: 'Malformed Sentinel id in myid option.',
  },
  {
    why: 'pass 2 before pass 3, and an unknown word is pass 3',
    text: 'sentinel foo\nsentinel monitor a 127.0.0.1 1 0\n',
    line: 2,
    reason: 'Quorum must be 1 or greater.',
  },
  {
    why: 'within a pass in file order',
    text: 'sentinel foo\nsentinel auth-pass n x\n',
    line: 1,
    reason: UNRECOGNIZED,
  },
  {
    why: 'pass 3 in file order',
    text: 'sentinel auth-pass n x\nsentinel foo\n',
    line: 1,
    reason: 'No such master with specified name.',
  },
  {
    why: 'comments and empty lines count',
    text: '# a\n\n   \n\tport x\n',
    line: 4,
    reason: NOT_AN_INTEGER,
  },
];
