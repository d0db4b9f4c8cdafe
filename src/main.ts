#!/usr/bin/env node
// The process: its arguments, the wiring of core and shell, signals and exit codes. The only reader of argv and env.
import { randomBytes, randomInt } from 'node:crypto';
import { arch, release, type } from 'node:os';
import { Command } from 'commander';
import type { CommandWorld, ProcessFacts } from './commands/outcome.ts';
import { createSessions } from './commands/session.ts';
import { ConfigError, renderConfigError } from './config/config-error.ts';
import { rewriteConfig } from './config/rewrite.ts';
import { announcedPort, shownPort } from './config/tls-options.ts';
import { createState } from './core/create.ts';
import { durableState, hostNames } from './core/durable.ts';
import type { Clock } from './core/effects.ts';
import { LEVEL, type Level, payload } from './core/events.ts';
import type { SentinelState } from './core/state.ts';
import { createPasswordCheck, hashPassword } from './shell/auth.ts';
import { fromBytes } from './shell/bytes.ts';
import { type Configuration, isExecutable, loadConfiguration, StartError } from './shell/config-file.ts';
import { createEngine, type Engine, type OuterEffect } from './shell/engine.ts';
import { createLinks, type Links } from './shell/links.ts';
import { backlogWarning } from './shell/listen.ts';
import { createLog, ctime, type Log } from './shell/log.ts';
import { createResolver, type Resolver, resolveAll } from './shell/resolver.ts';
import { createSentinelServer, type SentinelServer } from './shell/server.ts';
import { createStore } from './shell/store.ts';
import { loadTls, reloadTls, type TlsMaterial } from './shell/tls.ts';

/** The Redis version whose commands, replies and file we speak; INFO and HELLO tell it. */
const REDIS_VERSION = '7.0.15';

const USAGE = `Usage: ts-sentinel /path/to/sentinel.conf [options]
       ts-sentinel -v or --version
       ts-sentinel -h or --help

Every directive of the file may also be given as an option behind it:
       ts-sentinel /etc/redis/sentinel.conf --port 26380 --loglevel verbose
`;

/**
 * What the names of the file stand for should be known before the first event and the first save. Who does not answer
 * in this time keeps nobody from starting.
 */
const NAMES_AT_START_MS = 1000;

const clock = (): Clock => ({ now: Math.trunc(performance.now()), wallMs: Date.now() });

await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('ts-sentinel')
    .argument('[words...]')
    .allowUnknownOption()
    .helpOption(false)
    .action(() => undefined);
  if (argv[0] === '-v' || argv[0] === '--version') return void process.stdout.write(versionLine());
  if (argv[0] === '-h' || argv[0] === '--help') {
    process.stderr.write(USAGE);
    process.exitCode = 1;
    return;
  }
  program.parse(argv, { from: 'user' });
  await start(program.args);
}

function versionLine(): string {
  return `Redis server v=${REDIS_VERSION} sha=00000000:0 malloc=libc bits=64 build=0\n`;
}

/** Start a sentinel. Whatever keeps it from starting is told in the genuine words, and ends the process with 1. */
async function start(words: readonly string[]): Promise<void> {
  const [file, ...options] = words;
  let log = createLog({ level: 'notice', file: '' });
  try {
    if (file === undefined || file.startsWith('-'))
      throw new StartError('Sentinel needs config file on disk to save state. Exiting...');
    const configuration = await loadConfiguration(file, options);
    log = createLog({ level: configuration.general.loglevel, file: configuration.general.logfile });
    await run(configuration, log);
  } catch (error) {
    if (error instanceof ConfigError) {
      for (const line of error.logLines) log.write('warning', line);
      process.stderr.write(renderConfigError(error, REDIS_VERSION));
    } else if (error instanceof StartError) log.write('warning', error.message);
    else throw error;
    process.exit(1);
  }
}

async function run(configuration: Configuration, log: Log): Promise<void> {
  const { general, durable, defaultUserPasswordHashes } = configuration;
  greet(configuration, log);
  const tls = loadTls(general.tls, (text) => log.write('warning', text));
  const facts = { myId: durable.myId ?? randomBytes(20).toString('hex'), port: announcedPort(general) };
  const rand = (below: number) => (below <= 1 ? 0 : randomInt(below));
  const names = durable.resolveHostnames ? await resolveAll(hostNames(durable), NAMES_AT_START_MS) : new Map();
  const { state, effects } = createState(durable, { ...facts, names, requirePass: general.requirePass }, clock(), rand);
  const hashes =
    defaultUserPasswordHashes ?? (general.requirePass === undefined ? [] : [hashPassword(general.requirePass)]);
  const sentinel = assemble(configuration, log, state, hashes, tls);
  handleSignals(log, sentinel);
  await sentinel.server.listen();
  log.write('notice', `Running mode=sentinel, port=${shownPort(general)}.`);
  const backlog = backlogWarning(general.tcpBacklog);
  if (backlog !== undefined) log.write('warning', backlog);
  process.title = `redis-sentinel ${listenText(configuration)} [sentinel]`;
  // Told by the engine, behind the save of a new id.
  const hello = { kind: 'log', level: 'warning', text: `Sentinel ID is ${state.myId}` } as const;
  sentinel.engine.start([hello, ...effects]);
}

/** The first lines of the log, which tools look for. */
function greet({ warnings, fromStdin, recovered }: Configuration, log: Log): void {
  if (fromStdin) log.write('warning', 'Reading config from stdin');
  log.write('warning', 'oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo (ts-sentinel)');
  log.write(
    'warning',
    `Redis version=${REDIS_VERSION}, bits=64, commit=00000000, modified=0, pid=${process.pid}, just started`,
  );
  log.write('warning', 'Configuration loaded');
  for (const line of recovered) log.write('warning', line);
  for (const warning of warnings) log.write('warning', `Configuration: ${warning}`);
}

interface Sentinel {
  readonly engine: Engine;
  readonly server: SentinelServer;
  /** Read certificates and keys again. */
  reload(): void;
  stop(): void;
}

/** Core, links, server, store and log, wired together. */
function assemble(
  configuration: Configuration,
  log: Log,
  state: SentinelState,
  hashes: readonly string[],
  tlsAtStart: TlsMaterial | undefined,
): Sentinel {
  const { general } = configuration;
  let tls = tlsAtStart;
  const rand = (below: number) => (below <= 1 ? 0 : randomInt(below));
  const store = createStore(configuration.file, (text) => log.write('warning', text));
  const links = createLinks(
    {
      connected: (connection, localIp) => engine.input({ kind: 'connected', connection, localIp }),
      closed: (connection, reason) => engine.input({ kind: 'closed', connection, reason }),
      reply: (connection, reply) => engine.input({ kind: 'reply', connection, reply }),
      message: (connection, text) => engine.input({ kind: 'message', connection, text }),
    },
    () => tls?.links,
  );
  const resolver = createResolver({
    resolved: (name, ips) => engine.input({ kind: 'resolved', name, ips }),
    failed: (name, reason) => engine.input({ kind: 'resolve-failed', name, reason }),
  });
  let timer: NodeJS.Timeout | undefined;
  const engine: Engine = createEngine(state, {
    clock,
    rand,
    async save() {
      await store.write(rewriteConfig(await store.read(), durableState(state), configuration.inEffect));
      log.write('notice', 'Sentinel new configuration saved on disk');
    },
    perform: (effect) => perform(effect, { links, resolver, log, server }),
    afterInputs: (callback) => void setImmediate(callback),
    setTimer(callback, delayMs) {
      clearTimeout(timer);
      timer = setTimeout(callback, delayMs);
    },
  });
  const world: CommandWorld = {
    state,
    sessions: createSessions(),
    rand,
    auth: { open: hashes.length === 0, check: createPasswordCheck(hashes) },
    isExecutable,
    facts: () => processFacts(configuration, runId, server),
  };
  const runId = randomBytes(20).toString('hex');
  const stop = () => {
    log.write('warning', 'User requested shutdown...');
    if (general.unixSocket !== undefined) log.write('notice', 'Removing the unix socket file.');
    server.close();
    links.closeAll();
    log.write('warning', 'Sentinel is now ready to exit, bye bye...');
    process.exit(0);
  };
  const server = createSentinelServer({
    engine,
    world,
    places: {
      bind: general.bind,
      port: general.port,
      tlsPort: general.tls.port,
      backlog: general.tcpBacklog,
      unixSocket:
        general.unixSocket === undefined
          ? undefined
          : { path: fromBytes(general.unixSocket), mode: general.unixSocketMode },
    },
    tls: tls && { context: tls.server, authClients: general.tls.authClients },
    limits: { maxBulkBytes: general.protoMaxBulkLen, maxQueryBytes: general.queryBufferLimit },
    maxClients: general.maxclients,
    idleSeconds: general.timeout,
    keepAliveSeconds: general.tcpKeepalive,
    protectedMode: general.protectedMode,
    outputLimits: general.outputLimits,
    log: (level, text) => log.write(level, text),
    onShutdown: stop,
  });
  const reload = () => {
    tls = reloadTls(general.tls, (level, text) => log.write(level, text)) ?? tls;
    if (tls !== undefined) server.setTlsContext(tls.server);
  };
  return { engine, server, reload, stop };
}

/** What effects are carried out by. */
interface Hands {
  readonly links: Links;
  readonly resolver: Resolver;
  readonly log: Log;
  readonly server: SentinelServer;
}

/** Carry one effect out. Secrets never get here: events hide them where they are rendered. */
function perform(effect: OuterEffect, { links, resolver, log, server }: Hands): void {
  switch (effect.kind) {
    case 'connect':
      return links.connect(effect.connection, effect.host, effect.port);
    case 'resolve':
      return resolver.resolve(effect.name);
    case 'disconnect':
      return links.disconnect(effect.connection);
    case 'send':
      return links.send(effect.connection, effect.args);
    case 'log': {
      const until = effect.untilWallMs === undefined ? '' : ` ${ctime(new Date(effect.untilWallMs))}`;
      return log.write(effect.level, effect.text + until);
    }
    case 'announce': {
      const { name } = effect.event;
      const text = payload(effect.event);
      log.write(LEVEL[name], `${name} ${text}`);
      if (LEVEL[name] !== ('debug' satisfies Level)) server.publish(name, text);
    }
  }
}

function processFacts({ general, file }: Configuration, runId: string, server: SentinelServer): ProcessFacts {
  const { user, system } = process.cpuUsage();
  return {
    version: REDIS_VERSION,
    pid: process.pid,
    runId,
    port: shownPort(general),
    configFile: file,
    executable: process.argv[1] ?? process.execPath,
    os: `${type()} ${release()} ${arch() === 'x64' ? 'x86_64' : arch()}`,
    archBits: 64,
    supervised: 'no',
    uptimeSeconds: Math.trunc(process.uptime()),
    maxClients: general.maxclients,
    cpu: { user: user / 1e6, system: system / 1e6 },
    ...server.traffic,
  };
}

/** What the process title shows of where we listen: the first address, or `*`. */
function listenText({ general }: Configuration): string {
  if (shownPort(general) === 0 && general.unixSocket !== undefined)
    return `unixsocket:${fromBytes(general.unixSocket)}`;
  return `${(general.bind[0] ?? '*').replace(/^-/, '')}:${shownPort(general)}`;
}

function handleSignals(log: Log, { reload, stop }: Sentinel): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      log.write('warning', `Received ${signal} scheduling shutdown...`);
      stop();
    });
  // Node's own answers would be to end (SIGHUP) and to open a debugger (SIGUSR1): neither is for a sentinel.
  // Differs: SIGUSR1 and SIGUSR2 end the genuine server (TS-D12).
  for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGPIPE'] as const)
    process.on(signal, () => {
      if (signal === 'SIGHUP') reload();
      else if (signal.startsWith('SIGUSR')) log.write('warning', `Received ${signal}: ignored`);
    });
  // Whoever reads our log may go away; we stay.
  process.stdout.on('error', () => undefined);
  // A broken invariant, or an error nobody expected: a stopped sentinel is outvoted, a wrong one is believed.
  process.on('uncaughtException', (error) => {
    log.write('warning', `=== TS-SENTINEL BUG REPORT START: ${error.stack ?? error.message} === BUG REPORT END`);
    process.exit(1);
  });
}
