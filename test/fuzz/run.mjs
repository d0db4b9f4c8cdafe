// npm run fuzz -- --inputs N --seed S: the long form of request-reader.test.ts and links.test.ts. Prints inputs, seconds and heap peak.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { inputs: { type: 'string', default: '1000000' }, seed: { type: 'string', default: '1' } },
});
for (const [name, value] of Object.entries(values)) {
  if (/^[1-9]\d{0,8}$/.test(value)) continue;
  process.stderr.write(`--${name} must be a number from 1 on, not '${value}'\n`);
  process.exit(1);
}
const { status } = spawnSync('npx', ['vitest', 'run', '--project', 'quick', 'test/fuzz'], {
  stdio: 'inherit',
  env: { ...process.env, FUZZ_INPUTS: values.inputs, FUZZ_SEED: values.seed },
});
process.exit(status ?? 1);
