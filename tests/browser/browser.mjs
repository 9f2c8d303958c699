// The browser: Debian's Chromium, driven by what .ci/tools installs.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { ROOT } from './stack.mjs';

const require = createRequire(join(ROOT, '.tools/browser/package.json'));
const { chromium } = require('playwright-core');

/** The source of axe-core, which runs inside of a page. */
export const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

export function launch() {
  // As root Chromium has no sandbox. It sees pages of this repository only.
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
}
