// Chromium without a window, driven over its own DevTools protocol through a pipe: no port, no package.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Where Chromium is; undefined when it is not installed. */
export const CHROMIUM = PLACES.find((file) => existsSync(file));

type Json = Record<string, unknown>;
interface Message {
  readonly id?: number;
  readonly sessionId?: string;
  readonly method?: string;
  readonly params?: Json;
  readonly result?: Json;
  readonly error?: { readonly message: string };
}

export class Chromium {
  readonly #child: ChildProcess;
  readonly #profile: string;
  readonly #waiting = new Map<number, (message: Message) => void>();
  readonly #listeners = new Set<(message: Message) => void>();
  readonly #ended: Promise<void>;
  #lastId = 0;

  private constructor(child: ChildProcess, profile: string) {
    this.#child = child;
    this.#profile = profile;
    this.#ended = new Promise((resolve) => child.once('close', () => resolve()));
    let rest = '';
    (child.stdio[4] as Readable).setEncoding('utf8').on('data', (chunk: string) => {
      const messages = (rest + chunk).split('\0');
      rest = messages.pop() ?? '';
      for (const text of messages) this.#receive(JSON.parse(text) as Message);
    });
  }

  static start(): Chromium {
    if (CHROMIUM === undefined) throw new Error('Chromium is not installed');
    const profile = mkdtempSync(path.join(os.tmpdir(), 'chromium-'));
    const flags = [
      '--headless=new',
      '--remote-debugging-pipe',
      `--user-data-dir=${profile}`,
      '--no-first-run',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      '--hide-scrollbars',
      '--force-color-profile=srgb',
      // Its sandbox needs a user other than root.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ];
    const child = spawn(CHROMIUM, [...flags, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
      env: { ...process.env, TZ: 'Europe/Berlin' },
      // A group of its own: its helpers write into the profile for as long as they live.
      detached: true,
    });
    return new Chromium(child, profile);
  }

  async call(method: string, params: Json = {}, sessionId?: string): Promise<Json> {
    const id = ++this.#lastId;
    const { result, error } = await new Promise<Message>((resolve) => {
      this.#waiting.set(id, resolve);
      const message = { id, method, params, ...(sessionId === undefined ? {} : { sessionId }) };
      (this.#child.stdio[3] as Writable).write(`${JSON.stringify(message)}\0`);
    });
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result ?? {};
  }

  onMessage(listener: (message: Message) => void): void {
    this.#listeners.add(listener);
  }

  async openPage(url: string, options: PageOptions = {}): Promise<Page> {
    return await Page.open(this, url, options);
  }

  async stop(): Promise<void> {
    if (this.#child.pid !== undefined) process.kill(-this.#child.pid, 'SIGKILL');
    await this.#ended;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 30, retryDelay: 100 });
  }

  #receive(message: Message): void {
    if (message.id !== undefined) {
      this.#waiting.get(message.id)?.(message);
      this.#waiting.delete(message.id);
    } else for (const listener of this.#listeners) listener(message);
  }
}

export interface Clip {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly scale: number;
}

export interface PageOptions {
  readonly width?: number;
  readonly height?: number;
  readonly dark?: boolean;
  readonly language?: string;
}

export class Page {
  /** Addresses that the page asked for, its own first. */
  readonly requests: string[] = [];
  /** Errors and warnings of the console, refused by a policy among them, and exceptions. */
  readonly complaints: string[] = [];
  readonly #browser: Chromium;
  readonly #sessionId: string;

  private constructor(browser: Chromium, sessionId: string) {
    this.#browser = browser;
    this.#sessionId = sessionId;
  }

  static async open(browser: Chromium, url: string, options: PageOptions): Promise<Page> {
    const { width = 1100, height = 900, dark = false, language = 'en-GB' } = options;
    const { targetId } = await browser.call('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await browser.call('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page(browser, sessionId as string);
    const loaded = new Promise<void>((resolve) => {
      browser.onMessage((message) => {
        if (message.sessionId !== sessionId) return;
        if (message.method === 'Page.loadEventFired') resolve();
        page.#note(message);
      });
    });
    for (const domain of ['Page', 'Runtime', 'Network', 'Log', 'DOM']) await page.call(`${domain}.enable`);
    const features = [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }];
    await page.call('Emulation.setEmulatedMedia', { features });
    const phone = width < 600;
    await page.call('Emulation.setDeviceMetricsOverride', {
      width,
      height,
      deviceScaleFactor: phone ? 2 : 1,
      mobile: phone,
    });
    await page.call('Emulation.setUserAgentOverride', {
      userAgent: 'test',
      acceptLanguage: language,
    });
    await page.call('Emulation.setTimezoneOverride', { timezoneId: 'Europe/Berlin' });
    await page.call('Page.navigate', { url });
    await loaded;
    return page;
  }

  async call(method: string, params: Json = {}): Promise<Json> {
    return await this.#browser.call(method, params, this.#sessionId);
  }

  /** The value of an expression, promises awaited. Throws what the page throws. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.call('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
      userGesture: true,
    });
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { value: T }).value;
  }

  /** Resolves once the expression is true, as the page itself sees it change. */
  async until(expression: string): Promise<void> {
    await this.evaluate(`new Promise((resolve) => {
      const look = () => (${expression}) && (watch.disconnect(), resolve(true));
      const watch = new MutationObserver(look);
      watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
      look();
    })`);
  }

  /** Chooses files as a person does in the dialogue. */
  async choose(selector: string, files: readonly string[]): Promise<void> {
    const { root } = await this.call('DOM.getDocument');
    const { nodeId } = await this.call('DOM.querySelector', {
      nodeId: (root as { nodeId: number }).nodeId,
      selector,
    });
    await this.call('DOM.setFileInputFiles', { nodeId, files });
  }

  /** A part of the page, or everything from top to bottom, as PNG. */
  async screenshot(clip?: Clip): Promise<Buffer> {
    const part = clip === undefined ? {} : { clip };
    const { data } = await this.call('Page.captureScreenshot', { captureBeyondViewport: true, ...part });
    return Buffer.from(data as string, 'base64');
  }

  #note({ method, params = {} }: Message): void {
    if (method === 'Network.requestWillBeSent') {
      this.requests.push((params['request'] as { url: string }).url);
    } else if (method === 'Runtime.exceptionThrown') {
      this.complaints.push(JSON.stringify(params['exceptionDetails']));
    } else if (method === 'Log.entryAdded') {
      this.complaints.push((params['entry'] as { text: string }).text);
    } else if (method === 'Runtime.consoleAPICalled') this.complaints.push(JSON.stringify(params['args']));
  }
}
