import { readFileSync } from 'node:fs';

/** The version in package.json, which lies above src/ (of this file) and dist/ (of the built program). */
export function programVersion(): string {
  const here = import.meta.url;
  const text = readFileSync(
    new URL(here.endsWith('.ts') ? '../../package.json' : '../package.json', here),
    'utf8',
  );
  return (JSON.parse(text) as { version: string }).version;
}
