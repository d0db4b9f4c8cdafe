#!/usr/bin/env node
// The process: its arguments, the wiring of core and shell, signals and exit codes. The only reader of argv and env.
import { randomBytes, randomInt } from 'node:crypto';
import { arch, release, type } from 'node:os';
import { Command } from 'commander';
import type { Access } from './commands/acl/access.ts';
import type { CommandWorld, ProcessFacts } from './commands/outcome.ts';
import { deliveries } from './commands/pubsub.ts';
import { createSessions } from './commands/session.ts';
import { aclTable, renamedTable } from './commands/table.ts';
import { ConfigError, renderConfigError } from './config/config-error.ts';
import type { GeneralOptions } from './config/general-options.ts';
import { usersToWrite } from './config/load-users.ts';
import { rewriteConfig } from './config/rewrite.ts';
import { announcedPort, shownPort } from './config/tls-options.ts';
import { createState } from './core/create.ts';
import { durableState, hostNames } from './core/durable.ts';
import type { Clock } from './core/effects.ts';
import { LEVEL, type Level, payload } from './core/events.ts';
import type { SentinelState } from './core/state.ts';
import { createAclFile } from './shell/acl-file.ts';
import { hashPassword, passwordIs } from './shell/auth.ts';
import { fromBytes, toBytes } from './shell/bytes.ts';
import {
  type Configuration,
  checkConfiguration,
  isExecutable,
  loadConfiguration,
  StartError,
} from './shell/config-file.ts';
import { DAEMON_MARK, parent, startDaemon } from './shell/daemon.ts';
import {
  clientsBeside,
  fitClients,
  openFilesLimit,
  pidFileOf,
  removeQuietly,
  renderBanner,
  renderTitle,
  writePidFile,
} from './shell/duties.ts';
import { type Audience, createEngine, type Engine, type OuterEffect } from './shell/engine.ts';
import { createLinks, type Links } from './shell/links.ts';
import { backlogWarning } from './shell/listen.ts';
import { createLog, ctime, type Log, type LogFormat } from './shell/log.ts';
import { createResolver, type Resolver, resolveAll } from './shell/resolver.ts';
import { createScriptRunner, type ScriptRunner } from './shell/script-runner.ts';
import { createSentinelServer, type SentinelServer } from './shell/server.ts';
import { createStop, endOnBug, ignoreSignals, stopOnSignals } from './shell/stop.ts';
import { createStore, type Store } from './shell/store.ts';
import { type Supervision, supervise } from './shell/supervise.ts';
import { createSyslog } from './shell/syslog.ts';
import { loadTls, reloadTls, type TlsMaterial } from './shell/tls.ts';

/** The Redis version whose commands, replies and file we speak; INFO and HELLO tell it. */
const REDIS_VERSION = '7.0.15';

const USAGE = `Usage: ts-sentinel /path/to/sentinel.conf [options] [-]
       ts-sentinel /path/to/sentinel.conf --check-config
       ts-sentinel -v or --version
       ts-sentinel -h or --help

Every directive of the file may also be given as an option behind it, and "-" reads more of them from standard input:
       ts-sentinel /etc/redis/sentinel.conf --port 26380 --loglevel verbose
       ts-sentinel /etc/redis/sentinel.conf --sentinel monitor mymaster 10.0.0.1 6379 2

Options of its own, which never go into the file:
       --check-config             read the file, tell everything that is wrong with it, and exit with 0 or 1
       --log-format text|json     how log lines look; also by the variable TS_SENTINEL_LOG_FORMAT
`;

/**
 * What the names of the file stand for should be known before the first event and the first save. Who does not answer
 * in this time keeps nobody from starting.
 */
const NAMES_AT_START_MS = 1000;

const clock = (): Clock => ({ now: Math.trunc(performance.now()), wallMs: Date.now() });

/** A daemon's own start, the second one: its parent waits to hear of it. */
const isDaemon = process.env[DAEMON_MARK] !== undefined;
delete process.env[DAEMON_MARK];

await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<void> {
  const [first] = argv;
  if (first === '-v' || first === '--version') return void process.stdout.write(versionLine());
  if (first === '-h' || first === '--help') return fail(USAGE);
  if (first === '--test-memory' || first === '--check-system') return fail(`${first} is not supported\n`);
  const program = new Command('ts-sentinel')
    .argument('[words...]')
    .option('--check-config')
    .option('--log-format <format>')
    .allowUnknownOption()
    .helpOption(false)
    .action(() => undefined)
    .parse(argv, { from: 'user' });
  const { checkConfig, logFormat } = program.opts<{ checkConfig?: true; logFormat?: string }>();
  const format = logFormat ?? process.env.TS_SENTINEL_LOG_FORMAT ?? 'text';
  const words = [...program.args];
  // Valkey has a directive of that name, with other values; it is read like the other directives of newer releases.
  const isValkeys = format === 'legacy' || format === 'logfmt';
  if (isValkeys) words.push('--log-format', format);
  else if (format !== 'text' && format !== 'json')
    return fail(`The log format must be text or json, and not '${format}'\n`);
  if (checkConfig) return check(words);
  await start(words, isValkeys ? 'text' : format);
}

function fail(text: string): void {
  process.stderr.write(text);
  process.exitCode = 1;
}

async function check(words: readonly string[]): Promise<void> {
  const { usable, report } = await checkConfiguration(words);
  process.stdout.write(report);
  process.exitCode = usable ? 0 : 1;
}

function versionLine(): string {
  return `Redis server v=${REDIS_VERSION} sha=00000000:0 malloc=libc bits=64 build=0\n`;
}

/** Start a sentinel. Whatever keeps it from starting is told in the genuine words, and ends the process with 1. */
async function start(words: readonly string[], format: LogFormat): Promise<void> {
  const cwd = process.cwd();
  let log = createLog({ level: 'notice', file: '', format });
  let withReport = true;
  endOnBug(() => ({ log, withReport }));
  ignoreSignals((text) => log.write('warning', text));
  try {
    const configuration = await loadConfiguration(words, (text) => log.write('warning', text));
    const { general } = configuration;
    log = openLog(general, format);
    withReport = general.crashLogEnabled;
    for (const line of configuration.recovered) log.write('warning', line);
    const { NOTIFY_SOCKET: notifySocket, UPSTART_JOB: upstartJob } = process.env;
    const supervision = supervise(general.supervised, { notifySocket, upstartJob }, log);
    if (general.daemonize && supervision.by === 'no' && !isDaemon) {
      const { error } = await startDaemon({ cwd, stdin: configuration.stdin });
      if (error !== undefined) process.stderr.write(Buffer.from(error, 'latin1'));
      process.exit(error === undefined ? 0 : 1);
    }
    await run(configuration, log, supervision);
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof StartError)) throw error;
    refuse(error, log);
  }
}

function refuse(error: ConfigError | StartError, log: Log): void {
  const lines = error instanceof ConfigError ? error.logLines : [error.message];
  const block = error instanceof ConfigError ? renderConfigError(error, REDIS_VERSION) : '';
  for (const line of lines) log.write('warning', line);
  process.stderr.write(Buffer.from(block, 'latin1'));
  if (isDaemon) parent.failed(block === '' ? lines.map((line) => `${line}\n`).join('') : block);
  process.exit(1);
}

function openLog(general: GeneralOptions, format: LogFormat): Log {
  const options = { level: general.loglevel, file: general.logfile, format };
  if (!general.syslogEnabled) return createLog(options);
  const warn = (text: string) => log.write('warning', text);
  const syslog = createSyslog({ ident: fromBytes(general.syslogIdent), facility: general.syslogFacility }, warn);
  const log: Log = createLog({ ...options, alsoTo: syslog });
  return log;
}

async function run(configuration: Configuration, log: Log, supervision: Supervision): Promise<void> {
  const { general, durable } = configuration;
  greet(configuration, log);
  const tls = loadTls(general.tls, (text) => log.write('warning', text));
  const openFiles = openFilesLimit();
  const { maxClients, lines } = fitClients(general.maxclients, openFiles);
  for (const line of lines) log.write('warning', line);
  log.write('notice', 'monotonic clock: POSIX clock_gettime');
  const facts = { myId: durable.myId ?? randomBytes(20).toString('hex'), port: announcedPort(general) };
  const rand = (below: number) => (below <= 1 ? 0 : randomInt(below));
  const names = durable.resolveHostnames ? await resolveAll(hostNames(durable), NAMES_AT_START_MS) : new Map();
  const { state, effects } = createState(durable, { ...facts, names, requirePass: general.requirePass }, clock(), rand);
  const sentinel = assemble({ ...configuration, maxClients, openFiles, supervision }, log, state, tls);
  stopOnSignals(log, sentinel.stop);
  process.on('SIGHUP', sentinel.reload);
  await sentinel.server.listen();
  announce(configuration, log);
  // Told by the engine, behind the save of a new id.
  const hello = { kind: 'log', level: 'warning', text: `Sentinel ID is ${state.myId}` } as const;
  sentinel.engine.start([hello, ...effects], () => {
    supervision.ready();
    if (isDaemon) parent.listening();
  });
}

/** The first lines of the log, which tools look for. */
function greet({ warnings, notices }: Configuration, log: Log): void {
  log.write('warning', 'oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo (ts-sentinel)');
  log.write(
    'warning',
    `Redis version=${REDIS_VERSION}, bits=64, commit=00000000, modified=0, pid=${process.pid}, just started`,
  );
  log.write('warning', 'Configuration loaded');
  for (const warning of warnings) log.write('warning', `Configuration: ${warning}`);
  for (const notice of notices) log.write('notice', notice);
}

/** We listen: the pid file, the title, and the lines or the picture that say where. */
function announce({ general, file }: Configuration, log: Log): void {
  const pidFile = pidFileOf(general.pidfile, isDaemon);
  if (pidFile !== undefined) writePidFile(pidFile, log);
  const appearance = { ...general, tlsPort: general.tls.port, configFile: toBytes(file) };
  if (general.setProcTitle) process.title = fromBytes(renderTitle(general.procTitleTemplate, appearance));
  const onTerminal = process.stdout.isTTY && general.logfile === '' && !general.syslogEnabled;
  if (general.alwaysShowLogo || onTerminal) log.writeRaw(renderBanner(REDIS_VERSION, shownPort(general)));
  else log.write('notice', `Running mode=sentinel, port=${shownPort(general)}.`);
  const backlog = backlogWarning(general.tcpBacklog);
  if (backlog !== undefined) log.write('warning', backlog);
}

interface Sentinel {
  readonly engine: Engine;
  readonly server: SentinelServer;
  /** Read certificates and keys again. */
  reload(): void;
  stop(): void;
}

/** What the configuration became on this machine. */
interface Settled extends Configuration {
  readonly maxClients: number;
  /** The limit of open files. */
  readonly openFiles: number;
  readonly supervision: Supervision;
}

/** Core, links, server, store and log, wired together. */
function assemble(
  configuration: Settled,
  log: Log,
  state: SentinelState,
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
    general.bindSourceAddr,
  );
  const resolver = createResolver({
    resolved: (name, ips) => engine.input({ kind: 'resolved', name, ips }),
    failed: (name, reason) => engine.input({ kind: 'resolve-failed', name, reason }),
  });
  const scripts = createScriptRunner({
    started: (job, pid) => engine.input({ kind: 'script-started', job, pid }),
    exited: (job, end) => engine.input({ kind: 'script-exited', job, end }),
    refused: (job, reason) => engine.input({ kind: 'script-refused', job, reason }),
  });
  const access = createAccess(configuration, log);
  let timer: NodeJS.Timeout | undefined;
  /** Resolves when the last save is through, well or badly. */
  let saved: Promise<unknown> = Promise.resolve();
  const engine: Engine = createEngine(state, {
    clock,
    rand,
    save() {
      const saving = save(configuration, { state, access, store, log });
      saved = saving.catch(() => undefined);
      return saving;
    },
    audience: (event) =>
      LEVEL[event.name] === ('debug' satisfies Level) ? [] : deliveries(world.sessions, event.name, payload(event)),
    perform: (effect, audience) => perform(effect, audience, { links, resolver, scripts, log, server }),
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
    access,
    table: renamedTable(configuration.commandNames),
    isExecutable,
    facts: () => processFacts(configuration, runId, server),
  };
  const runId = randomBytes(20).toString('hex');
  const stop = createStop({
    log,
    cleanUp() {
      configuration.supervision.stopping();
      const pidFile = pidFileOf(general.pidfile, isDaemon);
      if (pidFile !== undefined) {
        log.write('notice', 'Removing the pid file.');
        removeQuietly(pidFile);
      }
      if (general.unixSocket !== undefined) {
        log.write('notice', 'Removing the unix socket file.');
        removeQuietly(fromBytes(general.unixSocket));
      }
      server.close();
      links.closeAll();
    },
    settled: () => saved,
  });
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
    get maxClients() {
      return clientsBeside(state.connections.size, configuration.maxClients, configuration.openFiles);
    },
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

/** The exit status of the genuine server after SENTINEL SIMULATE-FAILURE. */
const SIMULATED_CRASH = 99;

/** What effects are carried out by. */
interface Hands {
  readonly links: Links;
  readonly resolver: Resolver;
  readonly scripts: ScriptRunner;
  readonly log: Log;
  readonly server: SentinelServer;
}

interface SaveParts {
  readonly state: SentinelState;
  readonly access: Access;
  readonly store: Store;
  readonly log: Log;
}

async function save({ file, general, inEffect }: Settled, { state, access, store, log }: SaveParts): Promise<void> {
  const users = usersToWrite(general, access.users);
  await store.write(rewriteConfig(await store.read(), durableState(state), { ...inEffect, users }));
  log.write('debug', `Rewritten config file (${toBytes(file)}) successfully`);
  log.write('notice', 'Sentinel new configuration saved on disk');
}

/** Users as the configuration has them, from here on changed by ACL commands. */
function createAccess({ users, general }: Configuration, log: Log): Access {
  const { aclFile, aclLogMaxLen: logMaxLen, aclAllChannels: allChannels } = general;
  const warn = (text: string) => log.write('warning', text);
  return {
    users: new Map(users),
    log: [],
    logMaxLen,
    context: { commands: aclTable, allChannels, sha256Hex: hashPassword },
    file: aclFile === undefined ? undefined : createAclFile(aclFile, warn),
    passwordIs,
  };
}

/** Carry one effect out. Secrets never get here: events hide them where they are rendered. */
function perform(effect: OuterEffect, audience: Audience, { links, resolver, scripts, log, server }: Hands): void {
  switch (effect.kind) {
    case 'connect':
      return links.connect(effect.connection, effect.host, effect.port);
    case 'resolve':
      return resolver.resolve(effect.name);
    case 'disconnect':
      return links.disconnect(effect.connection);
    case 'send':
      return links.send(effect.connection, effect.args);
    case 'run-script':
      return scripts.run(effect.job, effect.argv);
    case 'kill-script':
      return scripts.kill(effect.job);
    case 'crash':
      return process.exit(SIMULATED_CRASH);
    case 'log': {
      const until = effect.untilWallMs === undefined ? '' : ` ${ctime(new Date(effect.untilWallMs))}`;
      return log.write(effect.level, effect.text + until);
    }
    case 'announce': {
      const { name } = effect.event;
      log.write(LEVEL[name], `${name} ${payload(effect.event)}`);
      server.publish(audience);
    }
  }
}

function processFacts(
  { general, file, maxClients, supervision }: Settled,
  runId: string,
  server: SentinelServer,
): ProcessFacts {
  const { user, system } = process.cpuUsage();
  return {
    version: REDIS_VERSION,
    pid: process.pid,
    runId,
    port: shownPort(general),
    configFile: toBytes(file),
    executable: toBytes(process.argv[1] ?? process.execPath),
    os: `${type()} ${release()} ${arch() === 'x64' ? 'x86_64' : arch()}`,
    archBits: 64,
    supervised: supervision.by,
    uptimeSeconds: Math.trunc(process.uptime()),
    maxClients,
    cpu: { user: user / 1e6, system: system / 1e6 },
    ...server.traffic,
  };
}
