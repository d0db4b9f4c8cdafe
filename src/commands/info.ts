// INFO: what the process and the sentinel say of themselves (spec/commands.md §5). Counters of things that only a data
// node has are 0, so that tools which read them by name find a number.
import { shownHost } from '../core/query.ts';
import { runningScripts } from '../core/script-queue.ts';
import type { CrashPoint } from '../core/state.ts';
import { bulk } from '../protocol/reply.ts';
import { answer, type Call, type Outcome, type ProcessFacts } from './outcome.ts';

type Line = readonly [string, string | number];

/** INFO [section …]: sections come in their own order, whatever the order of the words. */
export function info(call: Call): Outcome {
  const words = call.args.slice(1).map((word) => word.toLowerCase());
  const all = words.length === 0 || words.some((word) => ['default', 'all', 'everything'].includes(word));
  const facts = call.world.facts();
  const texts = Object.entries(SECTIONS)
    .filter(([name]) => all || words.includes(name))
    .map(([, { title, lines }]) => renderSection(title, lines(call, facts)));
  return answer(bulk(texts.join('\r\n')));
}

function renderSection(title: string, lines: readonly Line[]): string {
  return `# ${title}\r\n${lines.map(([name, value]) => `${name}:${value}\r\n`).join('')}`;
}

interface Section {
  readonly title: string;
  readonly lines: (call: Call, facts: ProcessFacts) => readonly Line[];
}

const SECTIONS: Readonly<Record<string, Section>> = {
  server: { title: 'Server', lines: serverLines },
  clients: { title: 'Clients', lines: clientLines },
  stats: { title: 'Stats', lines: statsLines },
  cpu: { title: 'CPU', lines: (_, { cpu }) => cpuLines(cpu) },
  sentinel: { title: 'Sentinel', lines: ({ world, clock }) => sentinelLines(world.state, clock.now) },
};

const zeros = (...names: string[]): Line[] => names.map((name) => [name, 0]);

function serverLines({ clock }: Call, facts: ProcessFacts): Line[] {
  const { uptimeSeconds } = facts;
  return [
    ['redis_version', facts.version],
    ['redis_git_sha1', '00000000'],
    ...zeros('redis_git_dirty'),
    ['redis_build_id', '0'],
    ['redis_mode', 'sentinel'],
    ['os', facts.os],
    ['arch_bits', facts.archBits],
    ['monotonic_clock', 'POSIX clock_gettime'],
    ['multiplexing_api', 'epoll'],
    ['atomicvar_api', 'c11-builtin'],
    ['gcc_version', '0.0.0'],
    ['process_id', facts.pid],
    ['process_supervised', facts.supervised],
    ['run_id', facts.runId],
    ['tcp_port', facts.port],
    ['server_time_usec', Math.trunc(clock.wallMs * 1000)],
    ['uptime_in_seconds', uptimeSeconds],
    ['uptime_in_days', Math.trunc(uptimeSeconds / 86_400)],
    ['hz', 10],
    ['configured_hz', 10],
    ['lru_clock', Math.trunc(clock.wallMs / 1000) % 2 ** 24],
    ['executable', facts.executable],
    ['config_file', facts.configFile],
    ['io_threads_active', 0],
  ];
}

function clientLines({ world }: Call, facts: ProcessFacts): Line[] {
  return [
    ['connected_clients', world.sessions.byId.size],
    ...zeros('cluster_connections'),
    ['maxclients', facts.maxClients],
    ...zeros(
      'client_recent_max_input_buffer',
      'client_recent_max_output_buffer',
      'blocked_clients',
      'tracking_clients',
      'clients_in_timeout_table',
    ),
  ];
}

function statsLines({ world }: Call, facts: ProcessFacts): Line[] {
  const { sessions } = world;
  return [
    ['total_connections_received', facts.connectionsReceived],
    ['total_commands_processed', facts.commandsProcessed],
    ...zeros('instantaneous_ops_per_sec'),
    ['total_net_input_bytes', facts.bytesIn],
    ['total_net_output_bytes', facts.bytesOut],
    ...zeros('total_net_repl_input_bytes', 'total_net_repl_output_bytes'),
    ['instantaneous_input_kbps', '0.00'],
    ['instantaneous_output_kbps', '0.00'],
    ['instantaneous_input_repl_kbps', '0.00'],
    ['instantaneous_output_repl_kbps', '0.00'],
    ['rejected_connections', facts.connectionsRejected],
    ...zeros('sync_full', 'sync_partial_ok', 'sync_partial_err', 'expired_keys'),
    ['expired_stale_perc', '0.00'],
    ...zeros(
      'expired_time_cap_reached_count',
      'expire_cycle_cpu_milliseconds',
      'evicted_keys',
      'evicted_clients',
      'total_eviction_exceeded_time',
      'current_eviction_exceeded_time',
      'keyspace_hits',
      'keyspace_misses',
    ),
    ['pubsub_channels', sessions.byChannel.size],
    ['pubsub_patterns', sessions.byPattern.size],
    ...zeros(
      'pubsubshard_channels',
      'latest_fork_usec',
      'total_forks',
      'migrate_cached_sockets',
      'slave_expires_tracked_keys',
      'active_defrag_hits',
      'active_defrag_misses',
      'active_defrag_key_hits',
      'active_defrag_key_misses',
      'total_active_defrag_time',
      'current_active_defrag_time',
      'tracking_total_keys',
      'tracking_total_items',
      'tracking_total_prefixes',
      'unexpected_error_replies',
    ),
    ['total_error_replies', facts.errorReplies],
    ...zeros(
      'dump_payload_sanitizations',
      'total_reads_processed',
      'total_writes_processed',
      'io_threaded_reads_processed',
      'io_threaded_writes_processed',
      'reply_buffer_shrinks',
      'reply_buffer_expands',
    ),
  ];
}

function cpuLines({ system, user }: ProcessFacts['cpu']): Line[] {
  return [
    ['used_cpu_sys', system.toFixed(6)],
    ['used_cpu_user', user.toFixed(6)],
    ['used_cpu_sys_children', '0.000000'],
    ['used_cpu_user_children', '0.000000'],
    ['used_cpu_sys_main_thread', system.toFixed(6)],
    ['used_cpu_user_main_thread', user.toFixed(6)],
  ];
}

function sentinelLines(state: Call['world']['state'], now: number): Line[] {
  const masters = [...state.masters.values()].map((master, index): Line => {
    const status = master.odownAt !== undefined ? 'odown' : master.sdownAt !== undefined ? 'sdown' : 'ok';
    const address = `${shownHost(state, master.address)}:${master.address.port}`;
    const counts = `slaves=${master.replicas.size},sentinels=${master.peers.size + 1}`;
    return [`master${index}`, `name=${master.name},status=${status},address=${address},${counts}`];
  });
  return [
    ['sentinel_masters', state.masters.size],
    ['sentinel_tilt', state.tiltAt === undefined ? 0 : 1],
    ['sentinel_tilt_since_seconds', state.tiltAt === undefined ? -1 : Math.trunc((now - state.tiltAt) / 1000)],
    ['sentinel_running_scripts', runningScripts(state)],
    ['sentinel_scripts_queue_length', state.scripts.jobs.length],
    ['sentinel_simulate_failure_flags', crashFlags(state.simulatedCrashes)],
    ...masters,
  ];
}

/** A bit for each point of SENTINEL SIMULATE-FAILURE. */
const crashFlags = (points: ReadonlySet<CrashPoint>) =>
  (points.has('crash-after-election') ? 1 : 0) + (points.has('crash-after-promotion') ? 2 : 0);
