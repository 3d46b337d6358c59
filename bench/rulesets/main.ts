import process from 'node:process';
import { parseArgs } from 'node:util';
import { rulesetText, SHAPES, type Shape } from './ruleset.ts';

const USAGE = `usage: rulesets [--shape ${SHAPES.join('|')}] [--rules N] [--stateless] [--seed N] [--ipv6] [--translating]
writes an iptables-save dump to standard output
`;

try {
  const { values } = parseArgs({
    options: {
      shape: { type: 'string', default: 'acl' },
      rules: { type: 'string', default: '1000' },
      stateless: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      ipv6: { type: 'boolean', default: false },
      translating: { type: 'boolean', default: false },
    },
  });
  if (!SHAPES.includes(values.shape as Shape))
    throw new Error(`${values.shape} is none of ${SHAPES.join(', ')}`);
  const rules = Number(values.rules);
  if (!Number.isInteger(rules) || rules < 0)
    throw new Error(`--rules ${values.rules}: not a number of rules`);
  const text = rulesetText({
    shape: values.shape as Shape,
    rules,
    stateful: !values.stateless,
    seed: Number(values.seed),
    family: values.ipv6 ? 6 : 4,
    translating: values.translating,
  });
  process.stdout.write(text);
} catch (error) {
  process.stderr.write(`rulesets: ${(error as Error).message}\n\n${USAGE}`);
  process.exitCode = 2;
}
