// A stack of its own for a test: started, asked, and ended by its process id.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const STEELYARD = process.env.STEELYARD ?? join(ROOT, 'target/debug/steelyard');

const QUEUES = ['steelyard-usage', 'steelyard-settle', 'steelyard-debit', 'steelyard-reconcile'];

// How long a probe may take to succeed.
const PATIENCE_MS = 30_000;

// The environment of a command, in which it finds no stack, table or rule of its user.
const ENVIRONMENT = { PATH: process.env.PATH, HOME: process.env.HOME };

/** The first true answer of a probe. */
export async function until(what, probe) {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const answer = await probe();
    if (answer) return answer;
    if (performance.now() > end) throw new Error(`waited ${PATIENCE_MS / 1000} s in vain for ${what}`);
    await sleep(100);
  }
}

/** A `steelyard local` or `steelyard demo --open` that runs in a folder of its own. */
export class Stack {
  static async start(...command) {
    const stack = new Stack();
    stack.folder = mkdtempSync(join(tmpdir(), 'steelyard-browser-'));
    stack.output = '';
    stack.log = '';
    // Node opens no port: the system chooses one for the stack, which prints it.
    stack.process = spawn(STEELYARD, command, {
      cwd: stack.folder, env: ENVIRONMENT, stdio: ['ignore', 'pipe', 'pipe'],
    });
    stack.process.stdout.on('data', (data) => { stack.output += data; });
    stack.process.stderr.on('data', (data) => { stack.log += data; });
    stack.ended = once(stack.process, 'exit');
    stack.url = await until('the address of the stack', () => {
      if (stack.process.exitCode !== null) throw new Error(`steelyard ended:\n${stack.log}`);
      return stack.output.match(/http:\/\/127\.0\.0\.1:\d+/)?.[0];
    });
    return stack;
  }

  async stop() {
    this.process.kill('SIGINT');
    const killed = setTimeoutOnce(10_000, () => this.process.kill('SIGKILL'));
    await this.ended;
    clearTimeout(killed);
    rmSync(this.folder, { recursive: true });
  }

  /** The output of a command on this stack, which has to succeed. */
  async tool(...command) {
    const done = await promisify(execFile)(STEELYARD, [...command, '--endpoint', this.url], { cwd: ROOT, env: ENVIRONMENT });
    return done.stdout;
  }

  /** The JSON answer to a request. */
  async ask(path, { method = 'POST', body, headers = {} } = {}) {
    const answer = await fetch(this.url + path, {
      method, headers: { 'content-type': 'application/json', ...headers }, body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  /** Reports calls of a day, and waits for nothing: the answer says that they are counted. */
  async report(id, day, calls) {
    const records = calls.map(([provider, api, count]) => ({ provider, api, day, count }));
    await this.ask('/v1/usage', { body: { source: 'gateway-1', id, records } });
  }

  /** Waits until the schedules have seen the clock, and no queue has a message. */
  async quiet() {
    await sleep(600); // The schedules look at the clock every quarter of a second.
    for (let calm = 0; calm < 3;) {
      const waiting = await Promise.all(QUEUES.map((queue) => this.messages(queue)));
      calm = waiting.every((number) => number === 0) ? calm + 1 : 0;
      await sleep(100);
    }
  }

  async messages(queue) {
    const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'];
    const answer = await this.ask('/', {
      headers: { 'x-amz-target': 'AmazonSQS.GetQueueAttributes' },
      body: { QueueUrl: `/${queue}`, AttributeNames: names },
    });
    return names.reduce((sum, name) => sum + Number(answer.Attributes[name]), 0);
  }

  /** How often its log says something. */
  logged(text) {
    return this.log.split(text).length - 1;
  }
}

function setTimeoutOnce(ms, action) {
  const timer = setTimeout(action, ms);
  timer.unref();
  return timer;
}
