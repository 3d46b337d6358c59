import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Paths of the regular files in a directory (not below it), in the order of their names' bytes. */
export function filesIn(directory: string): string[] {
  return readdirSync(directory)
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map((name) => join(directory, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
}

export function isDirectory(path: string): boolean {
  return path !== '-' && statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Whether it can be opened as often as one likes; what is not there counts as one, and is complained of by `openCaptures`. */
export function isRegularFile(file: string): boolean {
  return file !== '-' && statSync(file, { throwIfNoEntry: false })?.isFile() !== false;
}
