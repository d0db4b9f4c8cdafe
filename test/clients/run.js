// npm run test:clients [-- [--genuine] [--errors] [--variant NAME] [CLIENT…]]: unmodified client libraries of several
// languages through failovers; without names, all of them in all variants. Ends with a table and the totals.
import { parseArgs } from 'node:util';
import { startVitest } from 'vitest/node';

const options = /** @type {const} */ ({
  genuine: { type: 'boolean', default: false },
  errors: { type: 'boolean', default: false },
  variant: { type: 'string' },
});

try {
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  process.env.CLIENTS_ASKED = JSON.stringify({ ...values, names: positionals.length > 0 ? positionals : undefined });
  // The table is the last reporter: its totals are the last line.
  const reporters = ['default', './test/clients/reporter.ts'];
  const vitest = await startVitest('test', [], { project: ['clients'], watch: false, reporters });
  await vitest.close();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
