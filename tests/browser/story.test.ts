/** The whole story in Debian's Chromium; every claim of the page is asked of the API and of qemu-img as well. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Person } from '../testkit/browser.js';
import { expectChains } from '../testkit/on-disk.js';
import { treeOf } from '../testkit/snapshot-calls.js';
import { startWebServer, type WebServer } from '../testkit/web-server.js';
import { type KnownMachine, World } from '../testkit/world.js';
import { complaintAt, confirm, isSeen, openMachine, signIn, treeItem } from './dashboard.js';

let world: World;
let web: WebServer;
let known: KnownMachine;
let alice: Person;
let bob: Person;

beforeAll(async () => {
  world = await World.start({ hosts: ['demo-1'] });
  known = await world.addMachine({ name: 'web-1', host: 'demo-1' });
  web = await startWebServer(world);
  [alice, bob] = await Promise.all([Person.sitDown(web.url), Person.sitDown(web.url)]);
});
afterAll(async () => {
  await alice?.leave();
  await bob?.leave();
  await web?.process.end('SIGKILL');
  await world?.stop();
});
afterEach(async (context) => {
  if (context.task.result?.state === 'fail') await alice?.picture(`failed-${context.task.name.replace(/\W+/g, '-').slice(0, 60)}`);
});

it('a wrong token is told so, in words', async () => {
  await signIn(alice, 'not-a-token');
  expect(await complaintAt(alice.page.getByLabel('Access token'))).toMatch(/token/i);
  expect(alice.page.url()).not.toContain('not-a-token');
  // The refusal itself is a failed request, which Chromium always reports; nothing else may be.
  expect(alice.complaints.filter((text) => !/status of 40[0-9]/.test(text))).toEqual([]);
  alice.complaints.length = 0;
});

it('the tenant signs in and sees its machine in the list, as the API has it', async () => {
  await signIn(alice, world.acme.ownerToken);
  await isSeen(alice.page.getByRole('link', { name: 'web-1' }));
  await isSeen(alice.page.getByText(/running/i));
  await alice.picture('machines');
});

it('the machine page says that there is no snapshot yet', async () => {
  await openMachine(alice.page);
  expect(await alice.page.getByRole('treeitem').filter({ hasText: 'Ready' }).count()).toBe(0);
  await alice.picture('machine-empty');
});

it('takes a quiesced snapshot and sees Creating become Ready without a reload, and a second browser sees it in step', async () => {
  await signIn(bob, world.acme.viewerToken);
  await openMachine(bob.page);
  await alice.page.evaluate(() => Object.assign(window, { wasNotReloaded: true }));
  await alice.page.getByRole('button', { name: 'Take snapshot' }).click();
  const dialog = alice.page.getByRole('dialog', { name: 'Take snapshot' });
  await dialog.getByLabel('Name', { exact: true }).fill('before-upgrade');
  await dialog.getByLabel('Quiesce the guest').check();
  await isSeen(dialog.getByText(/empty layer for vdb/i));
  await alice.picture('dialog');
  // Held at CREATING, so that people have time to see it; not for long, or its host is taken for lost.
  world.host('demo-1').agent.pause();
  await confirm(dialog, 'Take it');
  for (const person of [alice, bob]) await isSeen(treeItem(person.page, 'before-upgrade', 'Creating'));
  await alice.picture('creating');
  world.host('demo-1').agent.resume();
  for (const person of [alice, bob]) await isSeen(treeItem(person.page, 'before-upgrade', 'Ready'));
  await isSeen(alice.page.getByText('You are here'));
  expect(await alice.page.evaluate(() => 'wasNotReloaded' in window)).toBe(true);
  await alice.picture('ready');

  const { snapshotTree } = await treeOf(world.as(world.acme.viewerToken), known);
  expect(snapshotTree.nodes).toMatchObject([{ name: 'before-upgrade', state: 'READY', consistency: 'FILESYSTEM', isCurrent: true }]);
  await expectChains(world, known, { vda: 2, vdb: 2 });
});

it('a refusal is shown in words, in the dialog, and nothing is made', async () => {
  await alice.page.getByRole('button', { name: 'Take snapshot' }).click();
  const dialog = alice.page.getByRole('dialog', { name: 'Take snapshot' });
  await dialog.getByLabel('Name', { exact: true }).fill('before-upgrade');
  await dialog.getByRole('button', { name: 'Take it' }).click();
  const words = await complaintAt(dialog.getByLabel('Name', { exact: true }));
  expect(words).toContain('before-upgrade');
  expect(words).not.toContain('NAME_TAKEN');
  await alice.picture('refused');
  await alice.page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  expect((await treeOf(world.admin, known)).snapshotTree.nodes).toHaveLength(1);
});

it('by the keyboard alone: a second snapshot, a child of the first', async () => {
  const { page } = alice;
  const button = page.getByRole('button', { name: 'Take snapshot' });
  await button.focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Take snapshot' });
  await dialog.waitFor();
  await tabTo(page, 'Name');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('by-keyboard');
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'hidden' });
  await isSeen(treeItem(page, 'by-keyboard', 'Ready'));
  const { snapshotTree } = await treeOf(world.admin, known);
  expect(snapshotTree.nodes.map((node) => node.parent?.id ?? null)).toEqual([null, snapshotTree.nodes[0]?.id]);
});

it('the API is killed while a snapshot is being made and started again: the page reconnects by itself and shows it', async () => {
  await alice.page.getByRole('button', { name: 'Take snapshot' }).click();
  const dialog = alice.page.getByRole('dialog', { name: 'Take snapshot' });
  await dialog.getByLabel('Name', { exact: true }).fill('over-a-crash');
  world.host('demo-1').agent.pause();
  await confirm(dialog, 'Take it');
  for (const person of [alice, bob]) await isSeen(treeItem(person.page, 'over-a-crash', 'Creating'));
  const before = [alice, bob].map((person) => person.complaints.length);
  await world.replica().kill();
  world.host('demo-1').agent.resume();
  await world.replica().start();
  for (const person of [alice, bob]) await isSeen(treeItem(person.page, 'over-a-crash', 'Ready'));
  expect(await alice.page.evaluate(() => 'wasNotReloaded' in window)).toBe(true);
  await expectChains(world, known, { vda: 4, vdb: 4 });
  // While the API is away Chromium reports each connection that fails; of our own code nothing may complain.
  for (const [index, person] of [alice, bob].entries()) {
    const since = person.complaints.splice(before[index] ?? 0);
    expect(since.filter((text) => !/WebSocket connection|Failed to load resource|net::ERR/.test(text))).toEqual([]);
  }
});

it('the other tenant sees no machine of it, not even by its address', async () => {
  const address = alice.page.url();
  const carol = await Person.sitDown(web.url);
  try {
    await signIn(carol, world.globex.ownerToken);
    await isSeen(carol.page.getByText(/no machines/i));
    expect(await carol.page.getByText('web-1').count()).toBe(0);
    await carol.picture('other-tenant');
    await carol.page.goto(address);
    await isSeen(carol.page.getByText(/not found|does not exist|no such/i));
    expect(await carol.page.getByText('before-upgrade').count()).toBe(0);
  } finally {
    await carol.leave();
  }
});

it('and nobody had a complaint in the console', () => {
  expect(alice.complaints).toEqual([]);
  expect(bob.complaints).toEqual([]);
});

/** Presses Tab until the control of that label has the focus. */
async function tabTo(page: Page, label: string): Promise<void> {
  for (let presses = 0; presses < 30; presses += 1) {
    if (
      await page
        .getByLabel(label, { exact: true })
        .first()
        .evaluate((element) => element === document.activeElement)
    )
      return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`the keyboard does not reach ${label}`);
}
