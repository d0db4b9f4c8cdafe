// The table of results, for the terminal and for RESULTS.md.
import type { Result, Summary } from './measure.ts';

const COLUMNS = ['measure', 'unit', 'ts-sentinel', 'redis-sentinel', 'ratio', 'target', 'met'] as const;

/** A Markdown table that is readable as plain text as well. Figures are `min / median / max (count)`. */
export function table(results: readonly Result[]): string {
  const lines = results.map(cells);
  const widths = COLUMNS.map((title, at) => Math.max(title.length, ...lines.map((line) => line[at]?.length ?? 0)));
  const line = (words: readonly string[]) => `| ${words.map((word, at) => word.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(COLUMNS), rule, ...lines.map(line)].join('\n');
}

function cells({ row, ours, genuine, problems }: Result): string[] {
  const ratio = ours === undefined || genuine === undefined ? '' : shown(ours.median / genuine.median);
  const met = ours === undefined ? `not measured: ${problems[0] ?? ''}` : row.met(ours, genuine) ? 'yes' : 'NO';
  return [row.name, row.unit, figures(ours), figures(genuine), ratio, row.target, met];
}

function figures(summary: Summary | undefined): string {
  if (summary === undefined) return '-';
  const { min, median, max, count } = summary;
  return count === 1 ? shown(median) : `${shown(min)} / ${shown(median)} / ${shown(max)} (${count})`;
}

/** Three digits say enough. */
export function shown(value: number): string {
  if (!Number.isFinite(value)) return '-';
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}
