// A disk that takes its time: a small library, loaded before a sentinel's own, lets fsync and fdatasync wait as long as
// the file named by CHAOS_SLOW_DISK says, in milliseconds; not at all while there is no such file.
import { join } from 'node:path';
import { findOnPath } from '../../src/demo/programs.ts';
import { tryTool } from './tools.ts';

const SOURCE = `
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void wait_for_disk(void) {
  const char *path = getenv("CHAOS_SLOW_DISK");
  FILE *file = path == NULL ? NULL : fopen(path, "r");
  int ms = 0;
  if (file == NULL) return;
  if (fscanf(file, "%d", &ms) == 1 && ms > 0) usleep((useconds_t)ms * 1000);
  fclose(file);
}

int fsync(int fd) {
  wait_for_disk();
  return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd) {
  wait_for_disk();
  return (int)syscall(SYS_fdatasync, fd);
}
`;

/** Build the library in `dir`, and return its path; `undefined` where there is no C compiler. */
export async function buildSlowDisk(dir: string): Promise<string | undefined> {
  const compiler = findOnPath(['cc', 'gcc', 'clang']);
  if (compiler === undefined) return undefined;
  const library = join(dir, 'slow-disk.so');
  const { code } = await tryTool([compiler, '-shared', '-fPIC', '-O1', '-o', library, '-x', 'c', '-'], SOURCE);
  return code === 0 ? library : undefined;
}
