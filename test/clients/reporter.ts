// The end of `npm run test:clients`: a table client × variant, why something failed or was skipped, and the totals.
import type { SerializedError } from 'vitest';
import type { Reporter, TestCase, TestModule } from 'vitest/node';
import type { Verdict } from './scenario.ts';
import type {} from './suite.ts';

/** What became of one client in one variant. */
export interface Row {
  readonly client: string;
  readonly version: string;
  readonly variant: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** Why it failed or was skipped. */
  readonly reason: string;
  readonly verdict: Verdict | undefined;
}

export default class ClientsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const rows = modules.flatMap((module) => [...module.children.allTests()].map(rowOf));
    // What fails outside of a test, such as a cluster that does not start, leaves its tests unrun.
    const suites = modules.flatMap((module) => [module, ...module.children.allSuites()]);
    const broken = suites.flatMap((suite) => suite.errors()).length + unhandled.length;
    const { errors } = JSON.parse(process.env.CLIENTS_ASKED ?? '{}') as { errors?: boolean };
    process.stdout.write(`\n${[...tableOf(rows), ...reasonsOf(rows), ...(errors ? errorsOf(rows) : [])].join('\n')}\n`);
    process.stdout.write(`\n${totalsOf(rows, broken)}\n`);
  }
}

function rowOf(test: TestCase): Row {
  const result = test.result();
  const { client } = test.meta();
  const outcome = result.state === 'pending' ? 'skipped' : result.state;
  const reason = result.state === 'skipped' ? (result.note ?? 'never run') : (result.errors?.[0]?.message ?? '');
  const variant = client?.variant ?? test.parent.type;
  return { client: test.name, version: client?.version ?? '', variant, outcome, reason, verdict: client?.verdict };
}

/** One line for each client, one column for each variant. */
export function tableOf(rows: readonly Row[]): string[] {
  const variants = [...new Set(rows.map(({ variant }) => variant))];
  const names = [...new Set(rows.map(({ client }) => client))];
  const lines = names.map((name) => {
    const own = rows.filter(({ client }) => client === name);
    const cells = variants.map((variant) => cellOf(own.find((row) => row.variant === variant)));
    return [name, own.find(({ version }) => version !== '')?.version ?? '', ...cells];
  });
  const table = [['client', 'version', ...variants], ...lines];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0))) ?? [];
  return table.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** With the longest time without a write after the kill, and after SENTINEL FAILOVER. */
function cellOf(row: Row | undefined): string {
  if (row === undefined) return '-';
  const pauses = row.verdict?.pausesMs.map((ms) => `${(ms / 1000).toFixed(1)} s`).join(' / ') ?? '';
  return pauses === '' ? row.outcome : `${row.outcome} (${pauses})`;
}

/** Each reason once, with all whom it concerns. */
export function reasonsOf(rows: readonly Row[]): string[] {
  const about = new Map<string, string[]>();
  for (const { client, variant, outcome, reason } of rows) {
    if (outcome === 'passed') continue;
    const text = `${outcome}: ${reason}`;
    about.set(text, [...(about.get(text) ?? []), `${client} ${variant}`]);
  }
  return [...about].map(([text, whom]) => `\n${whom.join(', ')} ${text}`);
}

function errorsOf(rows: readonly Row[]): string[] {
  return rows.flatMap(({ client, variant, verdict }) =>
    verdict === undefined ? [] : [`\n${client} ${variant} saw:`, ...verdict.errors.map((error) => `  ${error}`)],
  );
}

/** The closing line; each thing that broke outside of a test counts as one failure more. */
export function totalsOf(rows: readonly Row[], broken: number): string {
  const count = (outcome: Row['outcome']) => rows.filter((row) => row.outcome === outcome).length;
  return `${count('passed')} passed, ${count('failed') + broken} failed, ${count('skipped')} skipped`;
}
