// The configuration files of a topology as text.
// Only lines that every redis-server since 6 and every valkey-server knows.
import type { TlsFiles } from './client.ts';

export interface DataNodeConf {
  port: number;
  /** TLS only, on that port and towards others; everybody shows a certificate. */
  tls?: TlsFiles | undefined;
  dir: string;
  /** The port of its master; `undefined` for a master. */
  masterPort?: number | undefined;
  password?: string | undefined;
  config: readonly string[];
}

/** redis.conf of a data node that keeps nothing on disk and syncs without delay. */
export function dataNodeConf({ port, tls, dir, masterPort, password, config }: DataNodeConf): string {
  const secret = password === undefined ? [] : [`requirepass ${password}`, `masterauth ${password}`];
  const following = masterPort === undefined ? [] : [`replicaof 127.0.0.1 ${masterPort}`];
  return asFile([
    ...portLines(port, tls),
    'bind 127.0.0.1',
    'protected-mode no',
    `dir ${quoted(dir)}`,
    'save ""',
    'appendonly no',
    'repl-diskless-sync yes',
    'repl-diskless-sync-delay 0',
    ...secret,
    ...following,
    ...config,
  ]);
}

function portLines(port: number, tls: TlsFiles | undefined): string[] {
  if (tls === undefined) return [`port ${port}`];
  return [
    'port 0',
    `tls-port ${port}`,
    `tls-cert-file ${quoted(tls.certFile)}`,
    `tls-key-file ${quoted(tls.keyFile)}`,
    `tls-ca-cert-file ${quoted(tls.caFile)}`,
    'tls-auth-clients yes',
    'tls-replication yes',
  ];
}

export interface SentinelConf {
  port: number;
  tls?: TlsFiles | undefined;
  dir: string;
  masters: readonly WatchedMaster[];
  password?: string | undefined;
  config: readonly string[];
}

export interface WatchedMaster {
  name: string;
  port: number;
  quorum: number;
  downAfterMs: number;
  failoverTimeoutMs: number;
  parallelSyncs: number;
  /** auth-user; the default user unless told. */
  user?: string | undefined;
  /** auth-pass */
  password?: string | undefined;
}

/** sentinel.conf that logs to stdout. */
export function sentinelConf({ port, tls, dir, masters, password, config }: SentinelConf): string {
  return asFile([
    ...portLines(port, tls),
    'bind 127.0.0.1',
    `dir ${quoted(dir)}`,
    ...(password === undefined ? [] : [`requirepass ${password}`]),
    ...masters.flatMap(masterLines),
    ...config,
  ]);
}

function masterLines(master: WatchedMaster): string[] {
  const { name, port, quorum } = master;
  return [
    `sentinel monitor ${name} 127.0.0.1 ${port} ${quorum}`,
    ...masterOptions(master).map(([option, value]) => `sentinel ${option} ${name} ${value}`),
  ];
}

/** What is set for a master, as SENTINEL SET and sentinel.conf both call it. */
export function masterOptions(master: Omit<WatchedMaster, 'name' | 'port' | 'quorum'>): [string, string][] {
  return [
    ['down-after-milliseconds', String(master.downAfterMs)],
    ['failover-timeout', String(master.failoverTimeoutMs)],
    ['parallel-syncs', String(master.parallelSyncs)],
    ...(master.password === undefined ? [] : [['auth-pass', master.password] as [string, string]]),
    ...(master.user === undefined ? [] : [['auth-user', master.user] as [string, string]]),
  ];
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

function asFile(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}
