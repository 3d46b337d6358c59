import { closeSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../base/random.ts';
import { fileSink } from '../traffic/capture-writer.loop.ts';
import { generateTraffic, type TrafficOptions } from '../traffic/generate.loop.ts';

/** What is to be captured: the same specification is the same capture. */
export interface CaptureSpec extends TrafficOptions {
  /** Written to so many files, each packet to one of them at random. */
  readonly files: number;
}

export interface Capture {
  readonly spec: CaptureSpec;
  readonly files: readonly string[];
  /** The same without packets. */
  readonly emptyFiles: readonly string[];
  readonly bytes: number;
  /** Connections that were begun. */
  readonly conversations: number;
}

/** Captures in a folder, made when they are first asked for. */
export class CaptureStore {
  readonly #dir: string;
  readonly #made = new Map<string, Capture>();
  readonly #progress: (text: string) => void;
  #count = 0;

  constructor(dir: string, progress: (text: string) => void) {
    this.#dir = dir;
    this.#progress = progress;
  }

  get(spec: CaptureSpec): Capture {
    const key = JSON.stringify(spec);
    let capture = this.#made.get(key);
    if (capture === undefined) {
      capture = this.#make(spec);
      this.#made.set(key, capture);
    }
    return capture;
  }

  #make(spec: CaptureSpec): Capture {
    const dir = join(this.#dir, `capture-${++this.#count}`);
    mkdirSync(dir);
    const name = spec.files === 1 ? spec.profile : `${spec.profile}, ${spec.files} files`;
    this.#progress(`writing ${spec.packets.toLocaleString('en')} packets (${name})`);
    const names = Array.from({ length: spec.files }, (_, i) => `${i + 1}.pcap`);
    const files = names.map((file) => join(dir, file));
    const emptyFiles = names.map((file) => join(dir, `empty-${file}`));
    const conversations = write(files, spec);
    write(emptyFiles, { ...spec, packets: 0 });
    const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
    return { spec, files, emptyFiles, bytes, conversations };
  }

  /** Deletes all but those of these specifications. */
  keepOnly(specs: readonly CaptureSpec[]): void {
    const wanted = new Set(specs.map((spec) => JSON.stringify(spec)));
    for (const [key, { files, emptyFiles }] of this.#made) {
      if (wanted.has(key)) continue;
      for (const file of [...files, ...emptyFiles]) rmSync(file);
      this.#made.delete(key);
    }
  }
}

function write(files: readonly string[], spec: CaptureSpec): number {
  const fds = files.map((file) => openSync(file, 'w'));
  const lots = new Random(spec.seed);
  const { conversations } = generateTraffic(spec, fds.map(fileSink), () => lots.below(fds.length));
  for (const fd of fds) closeSync(fd);
  return conversations;
}
