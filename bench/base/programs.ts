import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The built program and the built parts of the benchmarks: this file is bench/dist/bench/base/programs.js. */
export const MAIN = fileURLToPath(new URL('../../../../dist/main.js', import.meta.url));
const BENCH = fileURLToPath(new URL('../', import.meta.url));
const SOURCES = fileURLToPath(new URL('../../../', import.meta.url));

/** A part of the benchmarks that is a program of its own, as `micro/walk.js`. */
export function benchProgram(name: string): string {
  return join(BENCH, name);
}

/** Is it installed? */
export function has(program: string, ...args: string[]): boolean {
  const { error, status } = spawnSync(program, args.length > 0 ? args : ['--version'], { stdio: 'ignore' });
  return error === undefined && status === 0;
}

export const isRootOnLinux = process.platform === 'linux' && process.getuid?.() === 0;

/**
 * Compiles one of the C programs of `native/` into `dir` and returns its path; undefined where there is no C compiler or
 * what the program needs (pcap.h, Linux's headers) is not there.
 */
export function compileC(name: string, dir: string, ...libraries: string[]): string | undefined {
  const program = join(dir, name);
  const source = join(SOURCES, 'native', `${name}.c`);
  const { error, status } = spawnSync('cc', ['-O2', '-o', program, source, ...libraries], {
    stdio: 'ignore',
  });
  return error === undefined && status === 0 ? program : undefined;
}
