// SENTINEL SIMULATE-FAILURE: the leader ends at the point it was told to, and the others finish its work.
import { expect, test } from 'vitest';
import { until } from '../../src/demo/until.ts';
import { acceptsWrites, agreedEpoch, start } from './support.ts';

test.each([
  { point: 'crash-after-election', last: '+elected-leader', unheard: '+selected-slave' },
  { point: 'crash-after-promotion', last: '+promoted-slave', unheard: '+switch-master' },
])('$point: exit status 99, nobody hears of $last, the others fail over', async ({ point, last, unheard }) => {
  // The leader's place is taken after down-after: before that, the others have to be told.
  const topology = await start({ downAfterMs: 4000 });
  const { master, sentinels } = topology;
  // Whoever leads first is to end there. The others are told to go on, long before they take the leader for dead.
  for (const sentinel of sentinels) expect(await sentinel.command('SENTINEL', 'SIMULATE-FAILURE', point)).toBe('OK');
  await master.kill();
  const leader = await until('the leader to end', () => sentinels.find((sentinel) => !sentinel.running), {
    everyMs: 5,
    describe: () => topology.report(),
  });
  const others = sentinels.filter((sentinel) => sentinel !== leader);
  for (const other of others) await other.command('SENTINEL', 'SIMULATE-FAILURE', 'help');
  expect(leader.exit).toMatchObject({ code: 99, signal: null });
  const lines = leader.log().trimEnd().split('\n');
  expect(lines.at(-1)).toContain('# Sentinel CRASH because of SENTINEL simulate-failure');
  expect(lines.at(-2)).toContain(`# ${last} `);
  expect(leader.log()).not.toContain(unheard);
  const heard = leader.events().map(({ channel }) => channel);
  expect(heard).toContain('+try-failover');
  expect(heard).not.toContain(last);
  const next = await topology.agreedMaster({ not: master });
  await acceptsWrites(next);
  await leader.start();
  await topology.agreedMaster({ not: master });
  await agreedEpoch(topology);
});
