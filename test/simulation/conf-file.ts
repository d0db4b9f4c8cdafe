// The file that an operator wrote for a sentinel of the simulation.
import { runIdOf, sentinelIp } from './odd-peers.ts';
import { scriptLines } from './scripts.ts';
import type { Trial } from './trial.ts';

/** Where each master is, as the file names it. */
export type Places = (group: string) => { readonly host: string; readonly port: number };

/** The file at the beginning: as it was written, or as it is once everybody has met. */
export function firstFile(trial: Trial, index: number): string {
  const { names, acquainted, replicas } = trial;
  const placeOf: Places = (group) => ({ host: names ? `${group}n0` : `10.0.${group.slice(1)}.1`, port: 6379 });
  const lines = [confFile(trial, index, runIdOf(index), placeOf)];
  if (acquainted) for (const group of groupsOf(trial)) lines.push(...acquaintances(trial, index, group, replicas));
  return lines.join('');
}

/** A file with nothing in it but what an operator knows. */
export function confFile(trial: Trial, index: number, runId: string, placeOf: Places): string {
  const { quorum, parallelSyncs, scripts } = trial;
  const facts = trial.sentinels[index];
  const lines = ['port 26379', `sentinel myid ${runId}`, `sentinel resolve-hostnames ${trial.names ? 'yes' : 'no'}`];
  if (trial.announces) lines.push('sentinel announce-hostnames yes');
  for (const name of groupsOf(trial)) {
    const { host, port } = placeOf(name);
    lines.push(`sentinel monitor ${name} ${host} ${port} ${quorum}`);
    lines.push(`sentinel down-after-milliseconds ${name} ${facts?.downAfterMs}`);
    lines.push(`sentinel failover-timeout ${name} ${facts?.failoverTimeoutMs}`);
    lines.push(`sentinel parallel-syncs ${name} ${parallelSyncs}`);
    lines.push(...scriptLines(scripts, name));
  }
  return `${lines.join('\n')}\n`;
}

const groupsOf = ({ masters }: Trial) => Array.from({ length: masters }, (_, index) => `m${index + 1}`);

function acquaintances({ sentinels, announces }: Trial, index: number, group: string, replicas: number): string[] {
  const lines: string[] = [];
  for (let node = 1; node <= replicas; node += 1)
    lines.push(
      `sentinel known-replica ${group} ${announces ? `${group}n${node}` : `10.0.${group.slice(1)}.${node + 1}`} 6379\n`,
    );
  for (const other of sentinels.keys())
    if (other !== index) lines.push(`sentinel known-sentinel ${group} ${sentinelIp(other)} 26379 ${runIdOf(other)}\n`);
  return lines;
}
