// Every general directive of redis-sentinel 7.0.15 as one row, and the names that only other releases know.
// Names, limits and defaults: spec/config.md appendix A and §3.4. How a kind of row is read: general-options.ts.

/**
 * `honoured`: has its effect here. `accepted`: read, needs no effect to keep its promise, no warning.
 * `unsupported`: a genuine sentinel honours it, this version does not yet; warned about unless it says the default.
 * `foreign`: means nothing to a sentinel; warned about, and its line is left as it is.
 */
export type Use = 'honoured' | 'accepted' | 'unsupported' | 'foreign';

interface Options {
  readonly use?: Use;
  readonly alias?: string;
  /** The default in Sentinel mode, where it differs; the rewrite compares with the general one (§3.3). */
  readonly sentinelDefault?: string;
  readonly octal?: boolean;
  /** `10%` is a value as well. */
  readonly percent?: boolean;
  /** Any number of the values. */
  readonly several?: boolean;
  /** A value that only newer releases know; the error text does not name it. */
  readonly newer?: string;
}

interface Row extends Options {
  readonly name: string;
  readonly use: Use;
  /** As the rewrite spells it; `undefined` = unset. */
  readonly default: string | undefined;
}

/** One general directive: what it is called, what it may say, and what it says unless told otherwise. */
export type GeneralOption =
  | (Row & { readonly kind: 'yes-no' })
  | (Row & { readonly kind: 'integer'; readonly min: bigint; readonly max: bigint })
  | (Row & { readonly kind: 'memory'; readonly min: bigint; readonly max: bigint })
  | (Row & { readonly kind: 'enumeration'; readonly values: readonly string[] })
  | (Row & { readonly kind: 'text' })
  | (Row & { readonly kind: OwnSyntax });

/** Directives that are read by a rule of their own. */
export type OwnSyntax =
  | 'bind'
  | 'output-limits'
  | 'directory'
  | 'percentiles'
  | 'keyspace-events'
  | 'oom-values'
  | 'replicaof'
  | 'save';

const MAX_I64 = 2n ** 63n - 1n;
const MAX_U64 = 2n ** 64n - 1n;

/** What listens where nothing else was said: every address of both families, where there is one. */
export const DEFAULT_BIND = '* -::*';

function row(name: string, preset: string | undefined, more?: Options): Row {
  return { name, use: 'foreign', default: preset, ...more };
}
const yesNo = (name: string, preset: 'yes' | 'no', more?: Options) =>
  ({ ...row(name, preset, more), kind: 'yes-no' }) as const;
const integer = (name: string, min: bigint, max: bigint, preset: bigint, more?: Options) =>
  ({ ...row(name, preset.toString(more?.octal ? 8 : 10), more), kind: 'integer', min, max }) as const;
const memory = (name: string, min: bigint, max: bigint, preset: bigint, more?: Options) =>
  ({ ...row(name, String(preset), more), kind: 'memory', min, max }) as const;
const enumeration = (name: string, values: string, preset: string, more?: Options) =>
  ({ ...row(name, preset, more), kind: 'enumeration', values: values.split(' ') }) as const;
const text = (name: string, preset: string | undefined, more?: Options) =>
  ({ ...row(name, preset, more), kind: 'text' }) as const;
const own = (kind: OwnSyntax, name: string, preset: string | undefined, more?: Options) =>
  ({ ...row(name, preset, more), kind }) as const;

/** All 178 names of redis-sentinel 7.0.15. A first rewrite appends options in this order. */
export const generalTable: readonly GeneralOption[] = [
  // Own syntax.
  own('directory', 'dir', undefined, { use: 'honoured' }),
  own('percentiles', 'latency-tracking-info-percentiles', '50 99 99.9', { use: 'accepted' }),
  own('bind', 'bind', DEFAULT_BIND, { use: 'honoured' }),
  own('output-limits', 'client-output-buffer-limit', undefined, { use: 'honoured' }),
  own('keyspace-events', 'notify-keyspace-events', ''),
  own('oom-values', 'oom-score-adj-values', '0 200 800'),
  own('replicaof', 'replicaof', undefined, { alias: 'slaveof' }),
  own('save', 'save', undefined),
  // Yes/no: name, default.
  yesNo('activedefrag', 'no'),
  yesNo('activerehashing', 'yes'),
  yesNo('always-show-logo', 'no', { use: 'honoured' }),
  yesNo('aof-disable-auto-gc', 'no'),
  yesNo('aof-load-truncated', 'yes'),
  yesNo('aof-rewrite-incremental-fsync', 'yes'),
  yesNo('aof-timestamp-enabled', 'no'),
  yesNo('aof-use-rdb-preamble', 'yes'),
  yesNo('appendonly', 'no'),
  yesNo('cluster-allow-pubsubshard-when-down', 'yes'),
  yesNo('cluster-allow-reads-when-down', 'no'),
  yesNo('cluster-allow-replica-migration', 'yes'),
  yesNo('cluster-enabled', 'no'),
  yesNo('cluster-replica-no-failover', 'no', { alias: 'cluster-slave-no-failover' }),
  yesNo('cluster-require-full-coverage', 'yes'),
  yesNo('crash-log-enabled', 'yes', { use: 'honoured' }),
  yesNo('crash-memcheck-enabled', 'yes', { use: 'accepted' }),
  yesNo('daemonize', 'no', { use: 'honoured' }),
  yesNo('disable-thp', 'yes'),
  yesNo('dynamic-hz', 'yes'),
  yesNo('io-threads-do-reads', 'no'),
  yesNo('jemalloc-bg-thread', 'yes'),
  yesNo('latency-tracking', 'yes'),
  yesNo('lazyfree-lazy-eviction', 'no'),
  yesNo('lazyfree-lazy-expire', 'no'),
  yesNo('lazyfree-lazy-server-del', 'no'),
  yesNo('lazyfree-lazy-user-del', 'no'),
  yesNo('lazyfree-lazy-user-flush', 'no'),
  yesNo('no-appendfsync-on-rewrite', 'no'),
  yesNo('protected-mode', 'yes', { use: 'honoured', sentinelDefault: 'no' }),
  yesNo('rdb-del-sync-files', 'no'),
  yesNo('rdb-save-incremental-fsync', 'yes'),
  yesNo('rdbchecksum', 'yes'),
  yesNo('rdbcompression', 'yes'),
  yesNo('repl-disable-tcp-nodelay', 'no'),
  yesNo('repl-diskless-sync', 'yes'),
  yesNo('replica-announced', 'yes'),
  yesNo('replica-ignore-disk-write-errors', 'no'),
  yesNo('replica-ignore-maxmemory', 'yes', { alias: 'slave-ignore-maxmemory' }),
  yesNo('replica-lazy-flush', 'no', { alias: 'slave-lazy-flush' }),
  yesNo('replica-read-only', 'yes', { alias: 'slave-read-only' }),
  yesNo('replica-serve-stale-data', 'yes', { alias: 'slave-serve-stale-data' }),
  yesNo('set-proc-title', 'yes', { use: 'honoured' }),
  yesNo('stop-writes-on-bgsave-error', 'yes'),
  yesNo('syslog-enabled', 'no', { use: 'honoured' }),
  yesNo('tls-cluster', 'no', { use: 'honoured' }),
  yesNo('tls-prefer-server-ciphers', 'no', { use: 'honoured' }),
  yesNo('tls-replication', 'no', { use: 'honoured' }),
  yesNo('tls-session-caching', 'yes', { use: 'honoured' }),
  yesNo('use-exit-on-panic', 'no'),
  // Integers: name, smallest, largest, default.
  integer('acllog-max-len', 0n, MAX_I64, 128n, { use: 'honoured' }),
  integer('active-defrag-cycle-max', 1n, 99n, 25n),
  integer('active-defrag-cycle-min', 1n, 99n, 1n),
  integer('active-defrag-max-scan-fields', 1n, MAX_I64, 1000n),
  integer('active-defrag-threshold-lower', 0n, 1000n, 10n),
  integer('active-defrag-threshold-upper', 0n, 1000n, 100n),
  integer('active-expire-effort', 1n, 10n, 1n),
  integer('auto-aof-rewrite-percentage', 0n, 2147483647n, 100n),
  integer('busy-reply-threshold', 0n, MAX_I64, 5000n, { alias: 'lua-time-limit' }),
  integer('cluster-announce-bus-port', 0n, 65535n, 0n),
  integer('cluster-announce-port', 0n, 65535n, 0n),
  integer('cluster-announce-tls-port', 0n, 65535n, 0n),
  integer('cluster-migration-barrier', 0n, 2147483647n, 1n),
  integer('cluster-node-timeout', 0n, MAX_I64, 15000n),
  integer('cluster-port', 0n, 65535n, 0n),
  integer('cluster-replica-validity-factor', 0n, 2147483647n, 10n, { alias: 'cluster-slave-validity-factor' }),
  integer('databases', 1n, 2147483647n, 16n),
  integer('hash-max-listpack-entries', 0n, MAX_I64, 512n, { alias: 'hash-max-ziplist-entries' }),
  integer('hz', 0n, 2147483647n, 10n),
  integer('io-threads', 1n, 128n, 1n),
  integer('key-load-delay', -2147483648n, 2147483647n, 0n),
  integer('latency-monitor-threshold', 0n, MAX_I64, 0n),
  integer('lfu-decay-time', 0n, 2147483647n, 1n),
  integer('lfu-log-factor', 0n, 2147483647n, 10n),
  integer('list-compress-depth', 0n, 2147483647n, 0n),
  integer('list-max-listpack-size', -2147483648n, 2147483647n, -2n, { alias: 'list-max-ziplist-size' }),
  integer('loading-process-events-interval-bytes', 1024n, 2147483647n, 2097152n),
  integer('maxclients', 1n, 4294967295n, 10000n, { use: 'honoured' }),
  integer('maxmemory-eviction-tenacity', 0n, 100n, 10n),
  integer('maxmemory-samples', 1n, 2147483647n, 5n),
  integer('min-replicas-max-lag', 0n, 2147483647n, 10n, { alias: 'min-slaves-max-lag' }),
  integer('min-replicas-to-write', 0n, 2147483647n, 0n, { alias: 'min-slaves-to-write' }),
  integer('port', 0n, 65535n, 6379n, { use: 'honoured', sentinelDefault: '26379' }),
  integer('rdb-key-save-delay', -2147483648n, 2147483647n, 0n),
  integer('repl-backlog-ttl', 0n, MAX_I64, 3600n),
  integer('repl-diskless-sync-delay', 0n, 2147483647n, 5n),
  integer('repl-diskless-sync-max-replicas', 0n, 2147483647n, 0n),
  integer('repl-ping-replica-period', 1n, 2147483647n, 10n, { alias: 'repl-ping-slave-period' }),
  integer('repl-timeout', 1n, 2147483647n, 60n),
  integer('replica-announce-port', 0n, 65535n, 0n, { alias: 'slave-announce-port' }),
  integer('replica-priority', 0n, 2147483647n, 100n, { alias: 'slave-priority' }),
  integer('set-max-intset-entries', 0n, MAX_I64, 512n),
  integer('shutdown-timeout', 0n, 2147483647n, 10n),
  integer('slowlog-log-slower-than', -1n, MAX_I64, 10000n),
  integer('slowlog-max-len', 0n, MAX_I64, 128n),
  integer('socket-mark-id', 0n, 4294967295n, 0n),
  integer('stream-node-max-entries', 0n, MAX_I64, 100n),
  integer('tcp-backlog', 0n, 2147483647n, 511n, { use: 'honoured' }),
  integer('tcp-keepalive', 0n, 2147483647n, 300n, { use: 'honoured' }),
  integer('timeout', 0n, 2147483647n, 0n, { use: 'honoured' }),
  integer('tls-port', 0n, 65535n, 0n, { use: 'honoured' }),
  // Resumption is by tickets, which the clients keep: there is no cache to be sized.
  integer('tls-session-cache-size', 0n, 2147483647n, 20480n, { use: 'accepted' }),
  integer('tls-session-cache-timeout', 0n, 2147483647n, 300n, { use: 'honoured' }),
  integer('tracking-table-max-keys', 0n, MAX_I64, 1000000n),
  integer('unixsocketperm', 0n, 0o777n, 0n, { use: 'honoured', octal: true }),
  integer('watchdog-period', 0n, 2147483647n, 0n),
  integer('zset-max-listpack-entries', 0n, MAX_I64, 128n, { alias: 'zset-max-ziplist-entries' }),
  // Memory sizes in bytes: name, smallest, largest, default.
  memory('active-defrag-ignore-bytes', 1n, MAX_I64, 104857600n),
  memory('auto-aof-rewrite-min-size', 0n, MAX_I64, 67108864n),
  memory('client-query-buffer-limit', 1048576n, MAX_I64, 1073741824n, { use: 'honoured' }),
  memory('cluster-link-sendbuf-limit', 0n, MAX_U64, 0n),
  memory('hash-max-listpack-value', 0n, MAX_I64, 64n, { alias: 'hash-max-ziplist-value' }),
  memory('hll-sparse-max-bytes', 0n, MAX_I64, 3000n),
  memory('maxmemory', 0n, MAX_U64, 0n),
  memory('maxmemory-clients', -100n, MAX_I64, 0n, { use: 'unsupported', percent: true }),
  memory('proto-max-bulk-len', 1048576n, MAX_I64, 536870912n, { use: 'honoured' }),
  memory('repl-backlog-size', 1n, MAX_I64, 1048576n),
  memory('stream-node-max-bytes', 0n, MAX_I64, 4096n),
  memory('zset-max-listpack-value', 0n, MAX_I64, 64n, { alias: 'zset-max-ziplist-value' }),
  // Enumerations: name, values, default.
  enumeration('acl-pubsub-default', 'allchannels resetchannels', 'resetchannels', { use: 'honoured' }),
  enumeration('appendfsync', 'everysec always no', 'everysec'),
  enumeration('cluster-preferred-endpoint-type', 'ip hostname unknown-endpoint', 'ip'),
  enumeration('enable-debug-command', 'no yes local', 'no'),
  enumeration('enable-module-command', 'no yes local', 'no'),
  enumeration('enable-protected-configs', 'no yes local', 'no'),
  enumeration('loglevel', 'debug verbose notice warning', 'notice', { use: 'honoured', newer: 'nothing' }),
  enumeration(
    'maxmemory-policy',
    'volatile-lru volatile-lfu volatile-random volatile-ttl allkeys-lru allkeys-lfu allkeys-random noeviction',
    'noeviction',
  ),
  enumeration('oom-score-adj', 'no yes relative absolute', 'no'),
  enumeration('propagation-error-behavior', 'ignore panic panic-on-replicas', 'ignore'),
  enumeration('repl-diskless-load', 'disabled on-empty-db swapdb', 'disabled'),
  enumeration('sanitize-dump-payload', 'no yes clients', 'no'),
  enumeration('shutdown-on-sigint', 'default save nosave now force', 'default', { use: 'accepted', several: true }),
  enumeration('shutdown-on-sigterm', 'default save nosave now force', 'default', { use: 'accepted', several: true }),
  enumeration('supervised', 'upstart systemd auto no', 'no', { use: 'honoured' }),
  enumeration('syslog-facility', 'user local0 local1 local2 local3 local4 local5 local6 local7', 'local0', {
    use: 'honoured',
  }),
  enumeration('tls-auth-clients', 'no yes optional', 'yes', { use: 'honoured' }),
  // Strings: name, default; `undefined` = unset, and an empty value unsets it.
  text('aclfile', '', { use: 'honoured' }),
  text('aof_rewrite_cpulist', undefined),
  text('appenddirname', 'appendonlydir'),
  text('appendfilename', 'appendonly.aof'),
  text('bgsave_cpulist', undefined),
  text('bind-source-addr', undefined, { use: 'honoured' }),
  text('bio_cpulist', undefined),
  text('cluster-announce-hostname', undefined),
  text('cluster-announce-ip', undefined),
  text('cluster-config-file', 'nodes.conf'),
  text('dbfilename', 'dump.rdb'),
  text('ignore-warnings', ''),
  text('logfile', '', { use: 'honoured' }),
  text('masterauth', undefined),
  text('masteruser', undefined),
  text('pidfile', undefined, { use: 'honoured' }),
  text('proc-title-template', '{title} {listen-addr} {server-mode}', { use: 'honoured' }),
  text('replica-announce-ip', undefined, { alias: 'slave-announce-ip' }),
  text('requirepass', undefined, { use: 'honoured' }),
  text('server_cpulist', undefined),
  text('syslog-ident', 'redis', { use: 'honoured' }),
  text('tls-ca-cert-dir', undefined, { use: 'honoured' }),
  text('tls-ca-cert-file', undefined, { use: 'honoured' }),
  text('tls-cert-file', undefined, { use: 'honoured' }),
  text('tls-ciphers', undefined, { use: 'honoured' }),
  text('tls-ciphersuites', undefined, { use: 'honoured' }),
  text('tls-client-cert-file', undefined, { use: 'honoured' }),
  text('tls-client-key-file', undefined, { use: 'honoured' }),
  text('tls-client-key-file-pass', undefined, { use: 'honoured' }),
  text('tls-dh-params-file', undefined, { use: 'honoured' }),
  text('tls-key-file', undefined, { use: 'honoured' }),
  text('tls-key-file-pass', undefined, { use: 'honoured' }),
  text('tls-protocols', undefined, { use: 'honoured' }),
  text('unixsocket', undefined, { use: 'honoured' }),
];

/** Names of earlier releases: taken silently with exactly one value. */
export const retiredNames: readonly string[] = [
  'list-max-ziplist-entries',
  'list-max-ziplist-value',
  'lua-replicate-commands',
];

/**
 * Names only newer releases know; their values are not looked at.
 * Differs: redis-sentinel 7.0.15 refuses them; a file of a newer release must start here (TS-D2).
 */
export const newerNames: readonly string[] = [
  // Redis 7.2
  'locale-collate',
  'set-max-listpack-entries',
  'set-max-listpack-value',
  'cluster-announce-human-nodename',
  'cluster-ping-interval',
  // Redis 7.4
  'hide-user-data-from-log',
  'max-new-connections-per-cycle',
  'max-new-tls-connections-per-cycle',
  'server-cpulist',
  'bio-cpulist',
  'aof-rewrite-cpulist',
  'bgsave-cpulist',
  // Valkey
  'primaryauth',
  'primaryuser',
  'log-format',
  'log-timestamp-format',
  'availability-zone',
  'unixsocketgroup',
  'extended-redis-compatibility',
  'events-per-io-thread',
  'prefetch-batch-max-size',
  'dual-channel-replication-enabled',
  'cluster-announce-client-ipv4',
  'cluster-announce-client-ipv6',
  'cluster-blacklist-ttl',
  'cluster-slot-stats-enabled',
  'debug-context',
  'enable-debug-assert',
];
