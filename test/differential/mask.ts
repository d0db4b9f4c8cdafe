// What may differ between two runs of the same server is taken out of its replies: ports, ids, ages, counters, and the
// order of things that have none. What is left must be the same for both servers.
import type { Reply } from './golden/replies.ts';
import type { World } from './golden/setups.ts';

/** Ages, counters and ids: their value is chance, that they are numbers is not. */
const VOLATILE_FIELDS = new Set([
  ...['link-pending-commands', 'last-ping-sent', 'last-ok-ping-reply', 'last-ping-reply', 's-down-time'],
  ...['o-down-time', 'info-refresh', 'role-reported-time', 'last-hello-message', 'slave-repl-offset'],
  ...['master-link-down-time', 'id', 'pid', 'run-time', 'run-delay', 'age-seconds'],
]);

/** Lines of INFO that say something about the process and its history. */
const VOLATILE_INFO =
  /^(redis_git_sha1|redis_git_dirty|redis_build_id|os|monotonic_clock|multiplexing_api|atomicvar_api|gcc_version|process_id|run_id|tcp_port|server_time_usec|uptime_in_seconds|uptime_in_days|hz|lru_clock|executable|config_file|connected_clients|client_recent_max_\w+|clients_in_timeout_table|total_\w+|instantaneous_\w+|rejected_connections|expire_cycle_cpu_milliseconds|latest_fork_usec|reply_buffer_\w+|used_cpu_\w+|sentinel_tilt_since_seconds|unexpected_error_replies):/;

/** Parts of a line of CLIENT LIST that are chance, or that only a C program has. */
const VOLATILE_CLIENT =
  /\b(id|addr|fd|age|idle|qbuf|qbuf-free|argv-mem|multi-mem|rbs|rbp|obl|oll|omem|tot-mem)=[\w.:[\]]+/g;

/** A value without what is chance: JSON data that can be compared and shown. */
export type Masked = string | readonly Masked[];

/** Puts names in the place of a world's ports and ids. */
export function nameOf(world: World): (text: string) => string {
  const { nodes, deadPort, strangePort } = world.data;
  const names = new Map<string, string>([
    [String(nodes.master.port), '{mport}'],
    [String(nodes.r1.port), '{r1port}'],
    [String(nodes.r2.port), '{r2port}'],
    [String(deadPort), '{deadport}'],
    [String(strangePort), '{xport}'],
    [String(world.target.port), '{sport}'],
    [world.target.id, '{myid}'],
    ...world.peers.flatMap(({ port, id }, index): [string, string][] => [
      [String(port), `{s${index + 2}port}`],
      [id, `{s${index + 2}id}`],
    ]),
  ]);
  const known = new RegExp(`(?<![0-9a-f])(${[...names.keys()].join('|')})(?![0-9a-f])`, 'g');
  return (text) =>
    text
      .replaceAll(known, (word) => names.get(word) ?? word)
      .replaceAll(/(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])/g, '{runid}')
      .replaceAll(world.target.dir, '{dir}');
}

/** `reply` without what is chance. `requests`: those of the whole conversation, one of which it answers. */
export function mask(reply: Reply, requests: readonly (readonly string[])[], name: (text: string) => string): Masked {
  const asked = (text: string) =>
    requests.some((words) => `${words.join(' ').toLowerCase()} `.startsWith(`${text} `) || words[0] === text);
  if (reply.type === ':' && asked('client id')) return ':<number>';
  if (/^[0-9a-f]+$/.test(String(reply.value)) && asked('acl genpass'))
    return `$<${String(reply.value).length} characters>`;
  const ordinary = ordered(walk(reply, name));
  if (asked('command docs')) return withoutProse(ordinary);
  return asked('sentinel info-cache') ? withoutInfo(ordinary) : ordinary;
}

/** What a command is for says everybody in his own words, and what it costs; how it is called is the same. */
function withoutProse(masked: Masked): Masked {
  if (typeof masked === 'string') return masked;
  const [type = '', ...items] = masked;
  const pairs = items.flatMap((item, index): [Masked, Masked][] =>
    index % 2 === 0 ? [[item, items[index + 1] ?? '']] : [],
  );
  const isDocs = pairs.some(([key]) => key === '$summary');
  if (isDocs) {
    const kept = pairs.filter(([key]) => !['$summary', '$complexity', '$history'].includes(String(key)));
    return [type, ...kept.flatMap(([key, of]) => [key, key === '$subcommands' ? byName(of) : of])];
  }
  return items.length > 0 && pairs.every(([key]) => COMMAND_NAME.test(String(key))) ? byName(masked) : masked;
}

/** Descriptions beside the names of their commands, sorted by name. */
function byName(docs: Masked): Masked {
  if (typeof docs === 'string') return docs;
  const [type = '', ...items] = docs;
  const entries = items.flatMap((item, index): [Masked, Masked][] =>
    index % 2 === 0 ? [[item, withoutProse(items[index + 1] ?? '')]] : [],
  );
  return [type, ...(sorted(entries) as [Masked, Masked][]).flat()];
}

/** INFO-CACHE: what a data node says of itself, and when it said so; masters in the order of a hash table. */
function withoutInfo(masked: Masked): Masked {
  if (typeof masked === 'object' && typeof masked[1] === 'string' && typeof masked[2] === 'object') {
    const [type = '', ...items] = masked;
    const entries = items.flatMap((item, index) =>
      index % 2 === 0 ? [[item, withoutInfo(items[index + 1] ?? '')]] : [],
    );
    return [type, ...(sorted(entries) as (readonly Masked[])[]).flat()];
  }
  if (typeof masked === 'string') return masked.replace(/^:\d+$/, ':<ms>').replace(/^\$# Server.*/s, '$<info>');
  return masked.map(withoutInfo);
}

/** Lists that come in the order of a hash table are sorted. Each of them is known by what it looks like. */
function ordered(masked: Masked): Masked {
  if (typeof masked === 'string') return masked;
  const [type = '', ...items] = masked;
  if (type === '~' || isListOfInstances(items) || isListOfCommands(items)) return [type, ...sorted(items.map(ordered))];
  if (items.length > 0 && items.every(isCommand)) return [type, ...sorted(items.map(orderedCommand))];
  // ROLE, and one master of INFO-CACHE.
  if (items[0] === '$sentinel' && items.length === 2 && isListOfTexts(items[1]))
    return [type, '$sentinel', sortedList(items[1])];
  return [type, ...items.map(ordered)];
}

const isListOfTexts = (masked: Masked | undefined) =>
  typeof masked === 'object' && masked.every((item) => typeof item === 'string');
const sortedList = (list: Masked | undefined): Masked =>
  typeof list === 'object' ? [list[0] ?? '', ...sorted(list.slice(1))] : (list ?? '');
const isListOfInstances = (items: readonly Masked[]) =>
  items.length > 0 && items.every((item) => typeof item === 'object' && item[1] === '$name');
const isListOfCommands = (items: readonly Masked[]) =>
  items.length > 0 && items.every((item) => typeof item === 'string' && COMMAND_NAME.test(item));
const COMMAND_NAME =
  /^\$((acl|client|command|sentinel)(\|[a-z-]+)?|auth|hello|info|ping|p?(un)?subscribe|publish|role|shutdown)$/;
/** A description of a command: its name, its arity, eight more. */
const isCommand = (item: Masked) =>
  typeof item === 'object' && item.length === 11 && String(item[1]).startsWith('$') && String(item[2]).startsWith(':');

function orderedCommand(command: Masked): Masked {
  if (typeof command === 'string') return command;
  return command.map((part) => {
    if (typeof part === 'string') return part;
    return part.slice(1).every(isCommand) ? ordered(part) : sortedList(part);
  });
}

function walk(reply: Reply, name: (text: string) => string): Masked {
  const { type, value } = reply;
  if (value === null) return `${type}null`;
  if (typeof value === 'string') return type + maskText(name(value));
  if (type === '%') {
    const pairs = value as readonly (readonly [Reply, Reply])[];
    return ['%', ...pairs.flatMap(([key, of]) => [walk(key, name), maskField(key, of, name)])];
  }
  const items = value as readonly Reply[];
  const masked = items.map((item, index) =>
    index % 2 === 1 ? maskField(items[index - 1] as Reply, item, name) : walk(item, name),
  );
  return [type, ...masked];
}

function maskField(key: Reply, of: Reply, name: (text: string) => string): Masked {
  if (key.type !== '$' || typeof of.value !== 'string') return walk(of, name);
  if (key.value === 'flags') return of.type + withoutLink(of.value);
  if (!VOLATILE_FIELDS.has(String(key.value)) || !/^-?[\d.]+$/.test(of.value)) return walk(of, name);
  return `${of.type}<number>`;
}

/**
 * Whether a connection that is just being made counts as one is chance: redis-sentinel begins it at its next tick, we
 * at once. The golden cases wait until it is settled.
 */
const withoutLink = (flags: string) =>
  flags
    .split(',')
    .filter((flag) => flag !== 'disconnected')
    .join(',');

function maskText(text: string): string {
  // The lines of HELP that explain the usage above them.
  if (text.startsWith('    ')) return '    <text>';
  if (text.startsWith('# ') && text.includes('\r\n')) return maskInfo(text);
  if (/^(txt:)?id=\d+ addr=/.test(text)) return maskClients(text);
  return text;
}

/** INFO: masters are numbered in the order of a hash table. */
function maskInfo(text: string): string {
  const lines = text.split('\r\n').map((line) => {
    if (/^master\d+:/.test(line)) return line.replace(/^master\d+/, 'master<n>');
    return VOLATILE_INFO.test(line) ? line.replace(/:.*/, ':<volatile>') : line;
  });
  const masters = lines.filter((line) => line.startsWith('master<n>')).sort();
  return lines.map((line) => (line.startsWith('master<n>') ? masters.shift() : line)).join('\r\n');
}

/** CLIENT LIST: the connections of peers come and go when they like. */
function maskClients(text: string): string {
  const format = text.startsWith('txt:') ? 'txt:' : '';
  const lines = text
    .slice(format.length)
    .split('\n')
    .filter((line) => !/ name=sentinel-[0-9a-f]{8}-cmd | cmd=NULL /.test(line));
  return format + [...new Set(lines.map((line) => line.replaceAll(VOLATILE_CLIENT, '$1=<n>')))].sort().join('\n');
}

const sorted = (items: readonly Masked[]) =>
  [...items].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
