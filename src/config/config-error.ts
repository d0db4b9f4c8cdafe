// A configuration that cannot be used, and the block in which the operator is told so.
// Reasons are the genuine server's texts, byte for byte, wherever it has one (spec/config.md §1.7).

/** Where a line stands: `number` counts from 1 within its own text, `file` is set for included files only. */
export interface LinePlace {
  readonly number: number;
  readonly text: string;
  readonly file?: string | undefined;
}

/** Thrown by `loadConfig` for the first thing that is wrong; nothing was started yet. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly reason: string;
  /** The line at fault, trimmed; both `undefined` when no line is. */
  readonly line: number | undefined;
  readonly text: string | undefined;
  /** The included file the line stands in; `undefined` for the main file and the command line. */
  readonly file: string | undefined;
  /** `block`: told on standard error. `log`: the genuine server only logs it, at the warning level. */
  readonly channel: 'block' | 'log';
  /** To be logged, at the warning level, before the process ends. */
  readonly logLines: readonly string[];

  constructor(reason: string, place?: LinePlace, more?: { channel?: 'block' | 'log'; logLines?: readonly string[] }) {
    super(place === undefined ? reason : `${reason} (line ${place.number}${place.file ? ` of ${place.file}` : ''})`);
    this.reason = reason;
    this.line = place?.number;
    this.text = place?.text;
    this.file = place?.file;
    this.channel = more?.channel ?? 'block';
    this.logLines = more?.logLines ?? (this.channel === 'log' ? [reason] : []);
  }
}

/**
 * The genuine block for standard error; `version` is the Redis version we report in INFO.
 * Empty for an error that is only logged: log its `logLines` instead.
 */
export function renderConfigError(error: ConfigError, version: string): string {
  if (error.channel === 'log') return '';
  const lines = ['', `*** FATAL CONFIG FILE ERROR (Redis ${version}) ***`];
  if (error.line !== undefined) {
    lines.push(`Reading the configuration file, at line ${error.line}`, `>>> '${error.text ?? ''}'`);
  }
  return `${[...lines, error.reason].join('\n')}\n`;
}
