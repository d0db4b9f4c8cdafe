// What --check-config prints: every problem with its file and line, then the warnings, then one line that sums up.
// Lines are shown as they stand in the file, except for what is secret in them.
import type { ConfigError } from './config-error.ts';
import type { Findings } from './load.ts';

export interface CheckedText {
  /** The main file's name, as it was given. */
  readonly file: string;
  /** Lines of the main file; what is behind them came from the command line. */
  readonly lines: number;
}

/** The report, a text of whole lines. */
export function renderFindings({ problems, warnings, masters }: Findings, checked: CheckedText): string {
  const sorted = [...problems].sort((a, b) => order(a, b));
  const told = sorted.flatMap((problem) => renderProblem(problem, checked));
  const noted = warnings.map((warning) => `${checked.file}: warning: ${warning}`);
  const counts = `${count(problems.length, 'problem')}, ${count(warnings.length, 'warning')}`;
  const sum = problems.length > 0 ? counts : `OK, ${count(masters, 'master')}, ${count(warnings.length, 'warning')}`;
  return `${[...told, ...noted, `${checked.file}: ${sum}`].join('\n')}\n`;
}

const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`;

/** The main file by line, then each included file by line; what belongs to no line comes last. */
function order(a: ConfigError, b: ConfigError): number {
  if (a.file !== b.file) return (a.file ?? '') < (b.file ?? '') ? -1 : 1;
  return (a.line ?? Number.POSITIVE_INFINITY) - (b.line ?? Number.POSITIVE_INFINITY) || 0;
}

function renderProblem({ file, line, text = '', reason }: ConfigError, checked: CheckedText): string[] {
  const shown = withoutSecretName(reason);
  if (line === undefined) return [`${checked.file}: ${shown}`];
  const fromCommandLine = file === undefined && line > checked.lines;
  const where = fromCommandLine ? 'command line' : `${file ?? checked.file}:${line}`;
  return [`${where}: ${shown}`, `    ${withoutSecret(text)}`];
}

/** Directives with a secret in them, up to that secret. */
const BEFORE_SECRET =
  /^(sentinel\s+auth-pass\s+\S+|sentinel\s+sentinel-pass|requirepass|masterauth|primaryauth|tls-\S+-pass|user\s+\S+)\s.*$/is;

/** A line of the configuration as it may be shown to anybody. */
function withoutSecret(text: string): string {
  return text.replace(BEFORE_SECRET, '$1 ***').replaceAll(/[^\x20-\x7e\x80-\xff]/g, '?');
}

/** The genuine text for a wrong user line names a word of it, which may be the password. */
function withoutSecretName(reason: string): string {
  return reason.replace(/^(Error in user declaration ')[><#!][^']*/, '$1***');
}
