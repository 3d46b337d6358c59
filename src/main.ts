#!/usr/bin/env node
// Nothing but node:process is imported before the version is known: on an old Node the message must still appear.
import process from 'node:process';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `iptables-replay: Node.js 20.19 or newer is needed; this is ${process.versions.node}\n` +
      '  hint: see https://nodejs.org/en/download or your distribution for a newer one\n',
  );
  process.exitCode = 2;
} else {
  const { main } = await import('./cli/program.ts');
  process.exitCode = await main(process.argv.slice(2));
}
