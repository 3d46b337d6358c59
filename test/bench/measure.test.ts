import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fedBy, measure } from '../../bench/base/measure.ts';
import { CaptureStore } from '../../bench/scene/captures.ts';
import { DEFAULT_TRAFFIC } from '../../bench/traffic/generate.loop.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'bench-measure-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const isPosix = process.platform !== 'win32';

describe('measured processes', () => {
  it('are measured from start to end', async () => {
    const script = 'const end = Date.now() + 300; while (Date.now() < end); console.log("done")';
    const { stdout, wallSeconds, cpuSeconds, maxRssBytes } = await measure([process.execPath, '-e', script], {
      stdout: true,
    });
    expect(stdout).toBe('done\n');
    expect(wallSeconds).toBeGreaterThan(0.3);
    if (process.platform !== 'linux') return;
    expect(cpuSeconds).toBeGreaterThan(0);
    expect(maxRssBytes).toBeGreaterThan(10 * 2 ** 20);
  });

  it('fail with what they say', async () => {
    const script = 'console.error("not like this"); process.exit(3)';
    await expect(measure([process.execPath, '-e', script])).rejects.toThrow(/ended with 3: not like this/);
  });

  it.runIf(isPosix)('can be fed by another, whatever the words of its command are', async () => {
    const file = join(dir, "it's a file");
    writeFileSync(file, 'from one $HOME to the other\n');
    const { stdout } = await measure(fedBy(['cat', file], join(dir, 'a pipe'), ['cat', '-']), {
      stdout: true,
    });
    expect(stdout).toBe('from one $HOME to the other\n');
  });
});

describe('captures of a run', () => {
  it('are made once, spread over files, and deleted when nobody needs them', async () => {
    const store = new CaptureStore(dir, () => undefined);
    const spec = { ...DEFAULT_TRAFFIC, packets: 500, flows: 20, files: 3 };
    const capture = store.get(spec);
    expect(store.get({ ...spec })).toBe(capture);
    expect(capture.files).toHaveLength(3);
    const one = store.get({ ...spec, files: 1 });
    // The same packets, and a file header for each file.
    expect(capture.bytes).toBe(one.bytes + 2 * 24);
    expect(capture.conversations).toBe(one.conversations);
    store.keepOnly([{ ...spec, files: 1 }]);
    expect(store.get({ ...spec, files: 1 })).toBe(one);
    expect(store.get(spec)).not.toBe(capture);
  });
});
