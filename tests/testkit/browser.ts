import { mkdirSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { runFolder } from './run-folder.js';

const EXECUTABLE = process.env['COPPICE_TEST_CHROMIUM'] ?? '/usr/bin/chromium';
/** Nothing of a browser that calls home, updates itself or needs a screen. */
const QUIET = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'];
const QUIETER = ['--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];
const RESULTS = fileURLToPath(new URL('../../test-results/', import.meta.url));
const STEP_DEADLINE_MS = 60_000;
const START_DEADLINE_MS = 180_000;

/** A person at a browser of their own: cookies and storage are shared with nobody. Everything the console complains of is kept. */
export class Person {
  readonly page: Page;
  readonly complaints: string[] = [];
  private readonly context: BrowserContext;

  private constructor(context: BrowserContext, page: Page) {
    this.context = context;
    this.page = page;
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.complaints.push(`${message.type()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => this.complaints.push(`uncaught: ${error.stack ?? error.message} at ${page.url()}`));
  }

  static async sitDown(url: string): Promise<Person> {
    const profile = await mkdtemp(join(runFolder(), 'chromium-'));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: EXECUTABLE,
      headless: true,
      args: [...QUIET, ...QUIETER],
      baseURL: url,
      viewport: { width: 1280, height: 800 },
      colorScheme: 'light',
      timeout: START_DEADLINE_MS,
    });
    context.setDefaultTimeout(STEP_DEADLINE_MS);
    return new Person(context, context.pages()[0] ?? (await context.newPage()));
  }

  /** A picture of the page in both colour schemes, below test-results/. */
  async picture(name: string): Promise<void> {
    mkdirSync(RESULTS, { recursive: true });
    for (const colorScheme of ['dark', 'light'] as const) {
      await this.page.emulateMedia({ colorScheme });
      await this.page.screenshot({ path: join(RESULTS, `${name}-${colorScheme}.png`), fullPage: true });
    }
  }

  async leave(): Promise<void> {
    await this.context.close();
  }
}
