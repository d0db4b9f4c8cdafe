// SENTINEL subcommands that change something: MONITOR, REMOVE, RESET, SET, FAILOVER, FLUSHCONFIG, CONFIG, DEBUG.
import {
  checkHost,
  flushConfig,
  forceFailover,
  monitorMaster,
  type OptionChange,
  removeMaster,
  resetMaster,
  setGlobal,
  setOption,
  setTunable,
  simulateCrashes,
} from '../core/admin.ts';
import type { Effect } from '../core/effects.ts';
import type { CrashPoint, MasterOptions, Settings, Tunables } from '../core/state.ts';
import { bulks, error, fields, integer, ok, type Reply } from '../protocol/reply.ts';
import { byName, parseInteger, parseNumber, parseYesNo, refuseLongValues, untilNul } from './arguments.ts';
import { globMatches } from './glob.ts';
import { answer, type Call, type Outcome } from './outcome.ts';
import { aboutMaster } from './sentinel-read.ts';

const NOT_SAVED: Reply = error('ERR Failed to save config file. Check server logs.');
const INT32_MAX = 2_147_483_647;

const done = (effects: readonly Effect[]): Outcome => ({ replies: [ok], effects, ifUnsaved: NOT_SAVED });

/** SENTINEL MONITOR name ip port quorum; `+monitor` is told behind the reply, as by the genuine server. */
export function monitor({ world, clock, args }: Call): Outcome {
  const { state } = world;
  const refusal = refuseLongValues(args);
  if (refusal !== undefined) return answer(refusal);
  const [, , name = '', host = ''] = args.map(untilNul);
  const [port, quorum] = [parseInteger(args[4] ?? ''), parseInteger(args[5] ?? '')];
  if (quorum === undefined) return answer(error('ERR Invalid quorum'));
  if (port === undefined) return answer(error('ERR Invalid port'));
  // Differs: redis-sentinel 7.0.15 cuts both numbers to 32 bits; here what does not fit is refused.
  if (quorum > INT32_MAX) return answer(error('ERR Invalid quorum'));
  if (quorum < 1n) return answer(error('ERR Quorum must be 1 or greater.'));
  const { allowed, effects: asked } = checkHost(state, host, clock.now);
  if (allowed === 'later') return { replies: [], effects: asked, awaitsName: host };
  if (allowed === 'no') return { ...answer(error('ERR Invalid IP address or hostname specified')), effects: asked };
  if (port < 0n || port > 65_535n) return answer(error('ERR Invalid port number.'));
  if (state.masters.has(name)) return answer(error('ERR Duplicate master name.'));
  const effects = monitorMaster(state, { name, host, port: Number(port), quorum: Number(quorum) }, clock.now);
  return { replies: [ok], ifUnsaved: NOT_SAVED, after: effects };
}

export const remove = aboutMaster(({ world, clock }, master) => done(removeMaster(world.state, master, clock.now)));

/** SENTINEL RESET pattern: how many masters were reset. */
export function reset({ world, clock, args }: Call): Outcome {
  const matching = [...world.state.masters.values()].filter(({ name }) => globMatches(untilNul(args[2] ?? ''), name));
  const effects = matching.flatMap((master) => resetMaster(world.state, master, clock.now));
  return { replies: [integer(matching.length)], effects };
}

export const failover = aboutMaster(({ world, clock }, master) => {
  const effects = forceFailover(world.state, master, clock.now, world.rand);
  if (effects === 'in-progress') return answer(error('INPROG Failover already in progress'));
  if (effects === 'no-good-replica') return answer(error('NOGOODSLAVE No suitable replica to promote'));
  return { replies: [ok], effects };
});

export const flush = ({ world, clock }: Call): Outcome => done(flushConfig(world.state, clock.now));

interface SetOption {
  readonly values: 1 | 2;
  readonly dropLinks?: true;
  /** The change, or the reason why not; `undefined`: the value is not valid for the option. */
  readonly read: (
    values: readonly string[],
    call: Call,
    current: MasterOptions,
  ) => Partial<MasterOptions> | Reply | undefined;
}

const number =
  (key: keyof MasterOptions, min: number) =>
  ([text = '']: readonly string[]): Partial<MasterOptions> | undefined => {
    // Differs: redis-sentinel 7.0.15 takes it, cuts a quorum to 32 bits, and reads times as 32 bits at the next start.
    const value = parseNumber(text, min, INT32_MAX);
    return value === undefined ? undefined : { [key]: value };
  };

const text =
  (key: 'authPass' | 'authUser') =>
  ([value = '']: readonly string[]): Partial<MasterOptions> => ({ [key]: untilNul(value) || undefined });

const script =
  (key: 'notificationScript' | 'clientReconfigScript', what: string) =>
  ([given = '']: readonly string[], { world }: Call): Partial<MasterOptions> | Reply => {
    const path = untilNul(given);
    if (world.state.settings.denyScriptsReconfig)
      return error(
        'ERR Reconfiguration of scripts path is denied for security reasons. Check the deny-scripts-reconfig configuration directive in your Sentinel configuration',
      );
    if (path !== '' && !world.isExecutable(path)) return error(`ERR ${what} seems non existing or non executable`);
    return { [key]: path === '' ? undefined : path };
  };

/** The options of SENTINEL SET (spec/commands.md §4.7). */
const SET_OPTIONS = byName<SetOption>({
  'down-after-milliseconds': { values: 1, read: number('downAfterMs', 1) },
  'failover-timeout': { values: 1, read: number('failoverTimeoutMs', 1) },
  'parallel-syncs': { values: 1, read: number('parallelSyncs', 1) },
  quorum: { values: 1, read: number('quorum', 1) },
  'master-reboot-down-after-period': { values: 1, read: number('rebootDownAfterMs', 0) },
  'notification-script': { values: 1, read: script('notificationScript', 'Notification script') },
  'client-reconfig-script': { values: 1, read: script('clientReconfigScript', 'Client reconfiguration script') },
  'auth-pass': { values: 1, dropLinks: true, read: text('authPass') },
  'auth-user': { values: 1, dropLinks: true, read: text('authUser') },
  'rename-command': { values: 2, read: renameCommand },
});

/** A command renamed to itself gets its own name back. */
function renameCommand(words: readonly string[], _call: Call, current: MasterOptions) {
  const [from = '', to = ''] = words.map(untilNul);
  if (from === '' || to === '') return undefined;
  const renamedCommands = new Map(current.renamedCommands);
  if (from.toLowerCase() === to.toLowerCase()) renamedCommands.delete(from.toLowerCase());
  else renamedCommands.set(from.toLowerCase(), { command: from, renamed: to });
  return { renamedCommands };
}

/** SENTINEL SET name option value …: from left to right; the first wrong one ends it, what was before stays. */
export const set = aboutMaster((call, master) => {
  const { world, clock, args } = call;
  const refusal = refuseLongValues(args);
  if (refusal !== undefined) return answer(refusal);
  const effects: Effect[] = [];
  const failed = (reply: Reply): Outcome => ({
    replies: [reply],
    effects,
    ...(effects.length > 0 ? { ifUnsaved: NOT_SAVED } : {}),
  });
  for (let at = 3; at < args.length; ) {
    const name = untilNul(args[at] ?? '');
    const option = SET_OPTIONS.get(name.toLowerCase());
    if (option === undefined || at + option.values >= args.length)
      return failed(error(`ERR Unknown option or number of arguments for SENTINEL SET '${name}'`));
    const given = args.slice(at + 1, at + 1 + option.values);
    const values = given.map(untilNul);
    const patch = option.read(given, call, master.options);
    if (patch === undefined) {
      const wrong = values.find((value) => value === '') ?? values[0];
      return failed(error(`ERR Invalid argument '${wrong}' for SENTINEL SET '${name}'`));
    }
    if (isReply(patch)) return failed(patch);
    const change: OptionChange = { option: name, values, patch, dropLinks: option.dropLinks === true };
    effects.push(...setOption(world.state, master, change, clock.now));
    at += 1 + option.values;
  }
  return done(effects);
});

const isReply = (value: object): value is Reply => 'kind' in value;

interface GlobalParameter {
  readonly show: (settings: Settings) => string;
  readonly read: (value: string) => Partial<Settings> | undefined;
  readonly dropPeerLinks?: true;
}

const yesNo = (key: 'resolveHostnames' | 'announceHostnames'): GlobalParameter => ({
  show: (settings) => (settings[key] ? 'yes' : 'no'),
  read: (value) => {
    const on = parseYesNo(value);
    return on === undefined ? undefined : { [key]: on };
  },
});

/** Differs: an empty text unsets announce-ip too; the genuine server would announce it, and be understood by nobody. */
const optionalText = (key: 'announceIp' | 'sentinelUser' | 'sentinelPass'): GlobalParameter => ({
  show: (settings) => settings[key] ?? '',
  read: (value) => ({ [key]: value === '' ? undefined : value }),
  ...(key === 'announceIp' ? {} : { dropPeerLinks: true as const }),
});

/** The parameters of SENTINEL CONFIG, in the order they are listed. */
const PARAMETERS = byName<GlobalParameter>({
  'resolve-hostnames': yesNo('resolveHostnames'),
  'announce-hostnames': yesNo('announceHostnames'),
  'announce-ip': optionalText('announceIp'),
  'announce-port': {
    show: (settings) => String(settings.announcePort),
    read: (value) => {
      const port = parseNumber(value, 0, 65_535);
      return port === undefined ? undefined : { announcePort: port };
    },
  },
  'sentinel-user': optionalText('sentinelUser'),
  'sentinel-pass': optionalText('sentinelPass'),
});

/** SENTINEL CONFIG GET pattern, SENTINEL CONFIG SET parameter value. */
export function config({ world, clock, args }: Call): Outcome {
  const verb = args[2]?.toUpperCase();
  if (verb === 'GET' && args.length === 4) {
    const pattern = untilNul(args[3] ?? '').toLowerCase();
    const found = [...PARAMETERS].filter(([name]) => globMatches(pattern, name));
    return answer(fields(found.map(([name, { show }]) => [name, show(world.state.settings)])));
  }
  if (verb !== 'SET' || args.length !== 5)
    return answer(error('ERR Only SENTINEL CONFIG GET <option> / SET <option> <value> are supported.'));
  const refusal = refuseLongValues(args);
  if (refusal !== undefined) return answer(refusal);
  const [name = '', value = ''] = args.slice(3).map(untilNul);
  const parameter = PARAMETERS.get(name.toLowerCase());
  if (parameter === undefined) return answer(error(`ERR Invalid argument '${name}' to SENTINEL CONFIG SET`));
  const patch = parameter.read(value);
  if (patch === undefined) return answer(error(`ERR Invalid value '${value}' to SENTINEL CONFIG SET '${name}'`));
  const dropPeerLinks = parameter.dropPeerLinks === true;
  return done(setGlobal(world.state, patch, { dropPeerLinks }, clock.now));
}

/** SENTINEL DEBUG's names for the periods, in its order. */
const TUNABLES = byName<keyof Tunables>({
  'info-period': 'infoPeriodMs',
  'ping-period': 'pingPeriodMs',
  'ask-period': 'askPeriodMs',
  'publish-period': 'publishPeriodMs',
  'default-down-after': 'defaultDownAfterMs',
  'default-failover-timeout': 'defaultFailoverTimeoutMs',
  'tilt-trigger': 'tiltTriggerMs',
  'tilt-period': 'tiltPeriodMs',
  'slave-reconf-timeout': 'replicaReconfTimeoutMs',
  'min-link-reconnect-period': 'minLinkReconnectPeriodMs',
  'election-timeout': 'electionTimeoutMs',
  'script-max-runtime': 'scriptMaxRuntimeMs',
  'script-retry-delay': 'scriptRetryDelayMs',
});

/** SENTINEL DEBUG [name value …]: all periods, or change some; not saved. */
export function debug({ world, clock, args }: Call): Outcome {
  const { state } = world;
  if (args.length === 2)
    return answer(fields(Array.from(TUNABLES, ([name, key]) => [name.toUpperCase(), String(state.tunables[key])])));
  const effects: Effect[] = [];
  for (let at = 2; at < args.length; at += 2) {
    const name = untilNul(args[at] ?? '');
    const key = TUNABLES.get(name.toLowerCase());
    if (key === undefined || at + 1 >= args.length) {
      const reply = error(`ERR Unknown option or number of arguments for SENTINEL DEBUG '${name}'`);
      return { replies: [reply], effects };
    }
    const value = parseNumber(args[at + 1] ?? '', 1, INT32_MAX);
    if (value === undefined) {
      const reply = error(`ERR Invalid argument '${untilNul(args[at + 1] ?? '')}' for SENTINEL DEBUG '${name}'`);
      return { replies: [reply], effects };
    }
    effects.push(...setTunable(state, { [key]: value }, clock.now));
  }
  return { replies: [ok], effects };
}

const CRASH_POINTS: readonly CrashPoint[] = ['crash-after-election', 'crash-after-promotion'];

/** SENTINEL SIMULATE-FAILURE word …: from left to right; what stands before HELP or an unknown word is in force. */
export function simulateFailure({ world, args }: Call): Outcome {
  const points = new Set<CrashPoint>();
  const words = args.slice(2).map((word) => untilNul(word).toLowerCase());
  const odd = words.find((word) => {
    const point = CRASH_POINTS.find((known) => known === word);
    if (point !== undefined) points.add(point);
    return point === undefined;
  });
  const effects = simulateCrashes(world.state, points);
  if (odd === undefined) return { replies: [ok], effects };
  return {
    replies: [odd === 'help' ? bulks(CRASH_POINTS) : error('ERR Unknown failure simulation specified')],
    effects,
  };
}
