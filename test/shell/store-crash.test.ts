// The process, or the whole machine, dies at every step of a save: the next start finds the old text or the new, whole.
import { describe, expect, test } from 'vitest';
import { createStore, recover } from '../../src/shell/store.ts';
import { createFakeDisk, type FakeDiskOptions, SURVIVALS } from './fake-disk.ts';

const PATH = '/etc/redis/sentinel.conf';
const OLD = 'the old text, which is a good deal longer than the new one\n';
const NEW = 'the new text\n';

class Death extends Error {}

/** A save of NEW that dies before its step number `at`; `undefined`: it came to its end. */
async function saveAndDie(at: number, refuse: FakeDiskOptions['refuse']) {
  let taken = 0;
  const disk = createFakeDisk(
    { [PATH]: OLD },
    {
      ...(refuse === undefined ? {} : { refuse }),
      before: () => {
        // The dead take no further step, not even that of a `finally`.
        if (taken >= at) throw new Death();
        taken += 1;
      },
    },
  );
  const saved = await createStore(PATH, () => undefined, disk)
    .write(NEW)
    .then(
      () => true,
      () => false,
    );
  return { disk, saved };
}

/** In a container the file may be a mount of its own: it cannot be replaced. */
const mounted = (step: string) => (step.startsWith('rename') && step.endsWith(`to ${PATH}`) ? 'EBUSY' : undefined);

describe.each([
  { why: 'the file is replaced', refuse: undefined },
  { why: 'the file is a mount of its own and written in place', refuse: mounted },
])('$why', ({ refuse }) => {
  test('whatever survives of any step, the next start has one of the two texts', async () => {
    let died = 0;
    for (let at = 0; ; at++) {
      const { disk, saved } = await saveAndDie(at, refuse);
      if (saved) break;
      died += 1;
      for (const survival of SURVIVALS)
        for (let lost = 0; lost <= disk.unsyncedNames; lost++) {
          const next = disk.afterCrash(survival, lost);
          const told = await recover(PATH, next);
          const where = `died before step ${at} (${disk.steps.at(-1)}), ${survival} survived, ${lost} names lost: ${told}`;
          expect([OLD, NEW], where).toContain(next.files.get(PATH));
        }
    }
    // Otherwise nothing would have been tried.
    expect(died).toBeGreaterThan(8);
  });

  test('a save that was told is on the disk whatever happens next', async () => {
    const { disk, saved } = await saveAndDie(Number.POSITIVE_INFINITY, refuse);
    expect(saved).toBe(true);
    for (const survival of SURVIVALS)
      for (let lost = 0; lost <= disk.unsyncedNames; lost++) {
        const next = disk.afterCrash(survival, lost);
        await recover(PATH, next);
        expect(next.files.get(PATH)).toBe(NEW);
      }
    expect([...disk.files.keys()]).toEqual([PATH]);
  });
});

test('a start that dies while it finishes a save is made up for by the next one', async () => {
  for (let at = 0; at < 40; at++) {
    let taken = 0;
    const before = () => {
      if (taken >= at) throw new Death();
      taken += 1;
    };
    const disk = createFakeDisk({ [PATH]: 'the new t, which is torn', [`${PATH}.pending`]: NEW }, { before });
    await recover(PATH, disk).catch((error: unknown) => expect(error).toBeInstanceOf(Death));
    for (const survival of SURVIVALS)
      for (let lost = 0; lost <= disk.unsyncedNames; lost++) {
        const next = disk.afterCrash(survival, lost);
        await recover(PATH, next);
        expect(next.files.get(PATH), `died before step ${at}, ${survival}, ${lost}`).toBe(NEW);
      }
  }
});

test.each([
  { why: 'the folder takes no new file', step: 'create', code: 'EACCES', outcome: 'saved in place' },
  { why: 'the folder is on another kind of mount', step: 'create', code: 'EROFS', outcome: 'saved in place' },
  { why: 'the disk is full', step: 'write', code: 'ENOSPC', outcome: 'No space left on device' },
  { why: 'the disk is broken', step: 'sync', code: 'EIO', outcome: 'Input/output error' },
  { why: 'there are too many open files', step: 'create', code: 'EMFILE', outcome: 'Too many open files' },
])('$why: $outcome, and nothing is left behind', async ({ step, code, outcome }) => {
  const told: string[] = [];
  const refuse = (taken: string) => (taken.startsWith(step) ? code : undefined);
  const disk = createFakeDisk({ [PATH]: OLD }, { refuse });
  const store = createStore(PATH, (text) => told.push(text), disk);
  const save = () =>
    store.write(NEW).then(
      () => 'saved in place',
      (error: Error) => error.message,
    );
  expect(await save()).toBe(outcome);
  expect(await save()).toBe(outcome);
  expect([...disk.files]).toEqual([[PATH, outcome === 'saved in place' ? NEW : OLD]]);
  // Told once, not at each attempt.
  expect(told).toHaveLength(1);
});

describe.each(['EINVAL', 'EBADF', 'ENOTSUP'])('a file system that answers %s', (code) => {
  const saveOn = async (refuse: (step: string) => string | undefined) => {
    const told: string[] = [];
    const disk = createFakeDisk({ [PATH]: OLD }, { refuse });
    await createStore(PATH, (text) => told.push(text), disk).write(NEW);
    return { files: [...disk.files], told };
  };

  test('when its directory is synced has saved', async () => {
    const refuse = (step: string) => (step.startsWith('sync directory') ? code : undefined);
    expect(await saveOn(refuse)).toEqual({ files: [[PATH, NEW]], told: [] });
    const inPlace = await saveOn((step) => refuse(step) ?? mounted(step));
    expect(inPlace.files).toEqual([[PATH, NEW]]);
  });

  test('when the file is synced has not', async () => {
    await expect(saveOn((step) => (step.startsWith(`sync ${PATH}`) ? code : undefined))).rejects.toThrow(code);
  });
});

test('a directory that cannot be synced because the disk is broken is a failed save', async () => {
  const refuse = (step: string) => (step.startsWith('sync directory') ? 'EIO' : undefined);
  const disk = createFakeDisk({ [PATH]: OLD }, { refuse });
  await expect(createStore(PATH, () => undefined, disk).write(NEW)).rejects.toThrow('Input/output error');
});

test('temporary files of saves that were cut short go at the next start, other files stay', async () => {
  const disk = createFakeDisk({
    [PATH]: OLD,
    [`${PATH}.ts-sentinel-a1b2c3`]: 'left',
    [`${PATH}.backup`]: 'kept',
    '/etc/redis/x': 'kept',
  });
  const facts = disk.facts;
  const next = {
    ...disk,
    facts: async (path: string) => ({ ...(await facts(path)), mtimeMs: path === PATH ? 2 : 1 }),
  };
  const told = await recover(PATH, next);
  expect(told).toEqual(['Removed sentinel.conf.ts-sentinel-a1b2c3, left behind by a save that was cut short']);
  expect([...disk.files.keys()]).toEqual([PATH, `${PATH}.backup`, '/etc/redis/x']);
});

test('a temporary file that is newer, or another user’s, may be somebody’s work: it stays', async () => {
  for (const other of [{ mtimeMs: 3 }, { uid: 7 }]) {
    const disk = createFakeDisk({ [PATH]: OLD, [`${PATH}.ts-sentinel-a1b2c3`]: 'left' });
    const facts = disk.facts;
    const own = { mtimeMs: 2 };
    const next = {
      ...disk,
      facts: async (path: string) => ({ ...(await facts(path)), ...own, ...(path === PATH ? {} : other) }),
    };
    expect(await recover(PATH, next)).toEqual([]);
    expect(disk.files.size).toBe(2);
  }
});

test.each([
  { why: 'its owner and group are right', uid: 0, gid: 0, chowned: false },
  { why: 'another user has the file', uid: 7, gid: 0, chowned: true },
  { why: 'another group has the file', uid: 0, gid: 7, chowned: true },
])('the new file is given away where it must be, and not otherwise: $why', async ({ uid, gid, chowned }) => {
  const disk = createFakeDisk({ [PATH]: OLD });
  const facts = disk.facts;
  const next = {
    ...disk,
    facts: async (path: string) => ({ ...(await facts(path)), ...(path === PATH ? { uid, gid } : {}) }),
  };
  await createStore(PATH, () => undefined, next).write(NEW);
  expect(disk.files.get(PATH)).toBe(NEW);
  expect(disk.steps.some((step) => step.startsWith('chown'))).toBe(chowned);
});
