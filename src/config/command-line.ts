// Arguments of the process -> lines of configuration, as the genuine server turns them (spec/config.md §1.6).
// Which argument is the file's name, and the help and version options, are the caller's business.
import { quote, tokenize } from './tokens.ts';

/** The part of the configuration that came with the process's arguments. */
export interface CommandLine {
  /** To be read behind the file, see `Environment.commandLine`. */
  readonly lines: readonly string[];
  /** `-` was the last argument: standard input is part of the configuration. */
  readonly stdin: boolean;
}

/**
 * The lines that `args`, the arguments after the configuration file's name, stand for. `--name` opens a line, values
 * are quoted; `"--name value"` in one argument is taken as it is; a `--x` right behind a bare `--name` is its value.
 */
export function commandLineToLines(args: readonly string[]): CommandLine {
  const lines: string[] = [];
  let open = '';
  let needsValue = false;
  let stdin = false;
  args.forEach((arg, at) => {
    if (arg === '-' && at === args.length - 1) {
      stdin = true;
    } else if (arg.startsWith('--') && !needsValue) {
      if (open !== '') lines.push(open);
      open = `${arg.slice(2)} `;
      needsValue = tokenize(arg)?.length === 1 && !standsAlone(arg, args[at + 1]);
      if (arg.toLowerCase() === '--save' && !needsValue) open += '""';
    } else {
      open += `${quote(arg)} `;
      needsValue = false;
    }
  });
  if (open !== '') lines.push(open);
  return { lines, stdin };
}

/** `--save` and `--sentinel` need no value: the next option, or the end, does not become theirs. */
function standsAlone(arg: string, next: string | undefined): boolean {
  const optional = arg.toLowerCase() === '--save' || arg.toLowerCase() === '--sentinel';
  return optional && (next === undefined || next.startsWith('--'));
}
