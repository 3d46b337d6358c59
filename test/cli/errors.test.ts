import { expect, test } from 'vitest';
import { FindingsError, UserError } from '../../src/base/errors.ts';
import { renderError } from '../../src/cli/errors.ts';

test('control characters of a quoted file do not reach the terminal, and carets stay in place', () => {
  const text = '\u001b[2J-A\tINPUT \u009b31m';
  const position = { file: 'f', line: 1, column: 6, text, lengthChars: 5 };
  const rendered = renderError(new FindingsError([{ severity: 'error', message: 'no', position }])).text;
  expect(rendered.split('\n').slice(1, 3)).toEqual(['  ?[2J-A\tINPUT ?31m', '       ^^^^^']);
  expect(rendered).toContain('1 error; nothing was replayed');
});

test('endless lines are cut', () => {
  expect(renderError(new UserError('x'.repeat(1e6))).text.length).toBeLessThan(3000);
});

test("what the system says of a named file is the user's, its limits are the machine's", () => {
  const failure = (code: string) => Object.assign(new Error(code), { code, path: '/x/y', syscall: 'write' });
  expect(renderError(failure('EACCES'))).toMatchObject({
    status: 2,
    text: expect.stringContaining('/x/y: permission'),
  });
  expect(renderError(failure('ENOSPC'))).toEqual({
    status: 4,
    text: 'iptables-replay: /x/y: no space left on the device\n',
  });
  expect(renderError(new TypeError('x is not a function')).status).toBe(70);
  expect(renderError('thrown text').status).toBe(70);
});
