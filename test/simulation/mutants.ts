// npm run sim:mutants: bugs planted one at a time in a copy of the source. The short form of the simulation must catch
// each of them, or it proves less than it seems to. Prints a table; ends with 1 when one got away.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MUTANTS, type Mutant } from './mutant-list.ts';
import { SHORT_FORM } from './trial.ts';

const { values } = parseArgs({
  options: { only: { type: 'string' }, seeds: { type: 'string', default: String(SHORT_FORM) } },
});
const root = process.cwd();
const say = (text: string) => void process.stdout.write(`${text}\n`);

process.exitCode = main();

function main(): number {
  const chosen = MUTANTS.filter(({ name }) => name.includes(values.only ?? ''));
  say(`| planted bug | caught at seed | by the rule |\n|---|---|---|`);
  let missed = 0;
  for (const mutant of chosen) {
    const caught = hunt(mutant);
    if (caught === undefined) missed += 1;
    say(`| ${mutant.name} | ${caught?.seed ?? 'NOT CAUGHT'} | ${caught?.rule ?? ''} |`);
  }
  say(`\n${chosen.length - missed} of ${chosen.length} caught within ${values.seeds} seeds each`);
  return missed === 0 ? 0 : 1;
}

/** Plant one bug in a copy, build the copy and let seeds run until one breaks a rule. */
function hunt(mutant: Mutant): { seed: string; rule: string } | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'sim-mutant-'));
  try {
    for (const part of ['src', 'test', 'package.json', 'tsconfig.json'])
      cpSync(join(root, part), join(folder, part), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    plant(folder, mutant);
    const built = run(folder, join(root, 'node_modules/.bin/tsc'), ['-p', 'test/simulation']);
    // What a bug leaves unused is no obstacle; anything else would be a mistake in the bug.
    const mistakes = built.split('\n').filter((line) => /error TS/.test(line) && !/error TS6(133|192|198)/.test(line));
    if (mistakes.length > 0) throw new Error(`'${mutant.name}' does not compile:\n${mistakes.join('\n')}`);
    const output = run(folder, process.execPath, ['.sim/test/simulation/main.js', '--seeds', values.seeds, '--stop']);
    const found = /^SIM_SEED=(\d+) violates ([\w-]+)/m.exec(output) ?? /^(error) in seed (\d+)/m.exec(output);
    if (found === null) return huntInTrials(folder);
    const [, first = '', second = ''] = found;
    return first === 'error' ? { seed: second, rule: first } : { seed: first, rule: second };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The short form runs the trials as well. */
function huntInTrials(folder: string): { seed: string; rule: string } | undefined {
  const trials = join(root, 'test/simulation/trials');
  for (const file of readdirSync(trials)) {
    const output = run(folder, process.execPath, ['.sim/test/simulation/main.js', '--trial', join(trials, file)]);
    const found = /VIOLATION of ([\w-]+)/.exec(output);
    if (found !== null) return { seed: file, rule: found[1] ?? '' };
  }
  return undefined;
}

function plant(folder: string, { name, file, from, to }: Mutant): void {
  const path = join(folder, file);
  const text = readFileSync(path, 'utf8');
  if (text.split(from).length !== 2) throw new Error(`'${name}': ${file} must hold this text exactly once:\n${from}`);
  writeFileSync(
    path,
    text.replace(from, () => to),
  );
}

function run(cwd: string, command: string, args: readonly string[]): string {
  const { stdout, error } = spawnSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (error !== undefined) throw error;
  return stdout;
}
