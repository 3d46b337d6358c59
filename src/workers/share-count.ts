import os from 'node:os';
import { parseCaptureArgument } from '../capture/argument.ts';
import { isRegularFile } from '../capture/directory.ts';
import type { ReplayConfig } from './config.ts';

/**
 * Into how many shares the connections may be divided as far as the captures go, which as many threads have to read: 1 when
 * that cannot be. Each thread reads the whole capture, so that more of them than processors would only cost.
 */
export function sharesOf({ captures, workers, perPacket, shares }: ReplayConfig): number {
  if (workers < 2 || perPacket) return 1;
  if (!captures.every((text) => isRegularFile(parseCaptureArgument(text).file))) return 1;
  return shares ?? Math.min(workers, os.availableParallelism());
}
