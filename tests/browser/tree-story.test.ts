/** The tree in two browsers: branches, deletes in any order, plans that change under one's eyes, and a cancel; asked of the API as well. */
import type { Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Person } from '../testkit/browser.js';
import { machineBecomes } from '../testkit/machine-calls.js';
import { expectNoOrphans } from '../testkit/on-disk.js';
import { succeeded } from '../testkit/operation-calls.js';
import { machineIsIdle, treeOf } from '../testkit/snapshot-calls.js';
import { askToDelete } from '../testkit/tree-calls.js';
import { waitUntil } from '../testkit/wait-until.js';
import { startWebServer, type WebServer } from '../testkit/web-server.js';
import { type KnownMachine, World } from '../testkit/world.js';
import { confirm, descriptionOf, isGone, isOn, isSeen, openMachine, signIn, take, treeIs, treeItem } from './dashboard.js';
import { holdStreams, type HeldStreams } from './held-streams.js';

let world: World;
let web: WebServer;
let known: KnownMachine;
let alice: Person;
let bob: Person;
let streams: HeldStreams;

beforeAll(async () => {
  world = await World.start({ hosts: ['demo-1'] });
  known = await world.addMachine({ name: 'web-1', host: 'demo-1' });
  web = await startWebServer(world);
  [alice, bob] = await Promise.all([Person.sitDown(web.url), Person.sitDown(web.url)]);
  streams = await holdStreams(alice.page);
  await signIn(alice, world.acme.ownerToken);
  await signIn(bob, world.acme.viewerToken);
  for (const { page } of [alice, bob]) await openMachine(page);
});
afterAll(async () => {
  await alice?.leave();
  await bob?.leave();
  await web?.process.end('SIGKILL');
  await world?.stop();
});
afterEach(async (context) => {
  if (context.task.result?.state === 'fail') await alice?.picture(`failed-tree-${context.task.name.replace(/\W+/g, '-').slice(0, 60)}`);
});

async function bothSee(rows: readonly string[]): Promise<void> {
  for (const { page } of [alice, bob]) await treeIs(page, rows);
}

async function choose(page: Page, name: string): Promise<void> {
  await treeItem(page, name, 'Ready').click();
  await isSeen(page.getByRole('region', { name: 'Details' }).getByText(name, { exact: true }));
}

function dialogOf(page: Page, name: string): Locator {
  return page.getByRole('dialog', { name });
}

/** What the API says of the tree: each snapshot's parent by name, and the current one. */
async function recorded(): Promise<{ parents: Record<string, string | null>; current: string | undefined }> {
  const { snapshotTree } = await machineIsIdle(world.as(world.acme.viewerToken), known);
  const nameOf = (id: string | undefined) => snapshotTree.nodes.find((node) => node.id === id)?.name ?? null;
  const parents = Object.fromEntries(snapshotTree.nodes.map((node) => [node.name, nameOf(node.parent?.id)]));
  return { parents, current: snapshotTree.nodes.find(({ isCurrent }) => isCurrent)?.name };
}

it('takes s1, s2 and s3, and a second browser follows', async () => {
  for (const name of ['s1', 's2', 's3']) await take(alice, name);
  await bothSee(['1 s1', '2 s2', '3 s3 *']);
});

it('whoever may only look is told why a button is off', async () => {
  const button = bob.page.getByRole('button', { name: 'Take snapshot' });
  expect(await button.getAttribute('aria-disabled')).toBe('true');
  const reason = await descriptionOf(button);
  expect(reason).toMatch(/\w+ \w+/);
  await button.focus();
  await isSeen(bob.page.getByText(reason).filter({ visible: true }));
  expect(await descriptionOf(button)).toBe(reason);
});

it('reverts to s2 after saying what is lost, and the machine runs again', async () => {
  const { page } = alice;
  await choose(page, 's2');
  await page.getByRole('button', { name: 'Revert…' }).click();
  const dialog = dialogOf(page, 'Revert to “s2”');
  await isSeen(dialog.getByText('The present state will be lost'));
  await isSeen(dialog.getByText(/written since “s3”/));
  await isSeen(dialog.getByText(/switched off/));
  await dialog.getByLabel('Start the machine afterwards').check();
  await alice.picture('tree-revert-dialog');
  await confirm(dialog, 'Revert and lose it');
  await bothSee(['1 s1', '2 s2 *', '3 s3']);
  await machineBecomes(world.admin, known, ({ state }) => state === 'RUNNING');
  await isSeen(page.getByText('Running', { exact: true }));
  expect((await recorded()).current).toBe('s2');
});

it('takes s4 on the new branch', async () => {
  await take(alice, 's4');
  await bothSee(['1 s1', '2 s2', '3 s3', '3 s4 *']);
  expect((await recorded()).parents).toEqual({ s1: null, s2: 's1', s3: 's2', s4: 's2' });
});

it('deletes s2 from the middle by the keyboard: its layers are retained, and focus and choice go to its parent', async () => {
  const { page } = alice;
  await choose(page, 's2');
  await treeItem(page, 's2', 'Ready').focus();
  await page.keyboard.press('Delete');
  const dialog = dialogOf(page, 'Delete “s2”');
  await isSeen(dialog.locator('[data-kind="KEEP_SHARED_LAYER"]'));
  await isSeen(dialog.getByText('“s3” and “s4” move up to “s1”.'));
  await alice.picture('tree-delete-dialog');
  await confirm(dialog, 'Delete 1 snapshot');
  await bothSee(['1 s1', '2 s3', '2 s4 *']);
  for (const person of [alice, bob]) await isSeen(person.page.getByRole('list', { name: 'Retained layers' }).getByText(/“s3” and “s4”/));
  await isSeen(page.locator('[role="treeitem"]:focus').getByText('s1', { exact: true }));
  expect((await recorded()).parents).toEqual({ s1: null, s3: 's1', s4: 's1' });
  await alice.picture('tree-retained');
});

it('a plan that does not hold any more is shown anew and asked about again', async () => {
  const { page } = alice;
  await machineIsIdle(world.admin, known);
  await choose(page, 's1');
  await page.getByRole('button', { name: 'Delete…' }).click();
  const dialog = dialogOf(page, 'Delete “s1”');
  await isOn(dialog.getByRole('button', { name: 'Delete 1' }));
  // From here on her page does not hear what happens, as in the moment between looking and pressing.
  streams.hold();
  await deleteByApi('s3');
  await dialog.getByRole('button', { name: 'Delete 1' }).click();
  await isSeen(dialog.getByText('The plan has changed'));
  await alice.picture('tree-plan-changed');
  streams.release();
  await treeIs(bob.page, ['1 s1', '2 s4 *']);
  await confirm(dialog, 'Delete 1 snapshot');
  await bothSee(['1 s4 *']);
  expect((await recorded()).parents).toEqual({ s4: null });
});

it('a snapshot with memory says so, and a revert to it goes on running', async () => {
  await take(alice, 'with-memory', async (dialog) => {
    await dialog.getByLabel('The disks and the memory').check();
    await isSeen(dialog.locator('[data-kind="SAVE_MEMORY"]'));
  });
  await isSeen(treeItem(alice.page, 'with-memory', 'Ready').getByText(/^Memory/));
  await choose(alice.page, 'with-memory');
  await alice.page.getByRole('button', { name: 'Revert…' }).click();
  const dialog = dialogOf(alice.page, 'Revert to “with-memory”');
  await dialog.getByLabel('Keep the present state as a snapshot first').check();
  await confirm(dialog, 'Revert');
  await waitUntil('both the kept state and the current one to be there', async () => (await recorded()).current === 'with-memory');
  const { parents } = await recorded();
  expect(Object.values(parents).filter((parent) => parent === 'with-memory')).toHaveLength(1);
  await isSeen(alice.page.getByText('Running', { exact: true }));
});

it('says what a cancel leaves, and what is shown afterwards is what is recorded', async () => {
  const { page } = alice;
  await machineIsIdle(world.admin, known);
  await page.getByRole('button', { name: 'More about all snapshots' }).click();
  await page.getByRole('menuitem', { name: 'Delete all…' }).click();
  const dialog = dialogOf(page, 'Delete all snapshots');
  await isOn(dialog.getByRole('button', { name: 'Delete 3 snapshots' }));
  world.host('demo-1').agent.pause();
  await confirm(dialog, 'Delete 3 snapshots');
  await page.getByRole('region', { name: 'Operation' }).getByRole('button', { name: 'Cancel…' }).click();
  const question = page.getByRole('dialog', { name: /^Cancel/ });
  await isSeen(question.getByText('What this leaves'));
  await alice.picture('tree-cancel');
  await question.getByRole('button', { name: 'Cancel it' }).click();
  await isGone(question);
  world.host('demo-1').agent.resume();
  await isSeen(page.getByRole('region', { name: 'Operation' }).getByText(/^(Cancelled|Done)$/));
  const { snapshotTree } = await machineIsIdle(world.admin, known);
  for (const person of [alice, bob]) {
    await waitUntil(
      'the page to show as many as are recorded',
      async () => (await person.page.getByRole('treeitem').count()) === snapshotTree.nodes.length,
    );
  }
});

it('what a cancel has left half-done is deleted again from the dashboard', async () => {
  const left = (await machineIsIdle(world.admin, known)).snapshotTree.nodes.length;
  if (left === 0) return;
  // Its own merges come first.
  await isOn(alice.page.getByRole('button', { name: 'Take snapshot' }));
  await alice.page.getByRole('button', { name: 'More about all snapshots' }).click();
  await alice.page.getByRole('menuitem', { name: 'Delete all…' }).click();
  const dialog = dialogOf(alice.page, 'Delete all snapshots');
  await confirm(dialog, `Delete ${left} snapshot${left === 1 ? '' : 's'}`);
  for (const { page } of [alice, bob]) await isSeen(page.getByText('No snapshots yet'));
});

it('ends with no file in the pool that is not recorded, and nobody had a complaint in the console', async () => {
  await machineIsIdle(world.admin, known);
  await waitUntil('files and record to be the same', async () => expectNoOrphans(world).then(() => true));
  expect(alice.complaints).toEqual([]);
  expect(bob.complaints).toEqual([]);
});

/** Deletes a snapshot as a program would, and waits until it is gone. */
async function deleteByApi(name: string): Promise<void> {
  const client = world.as(world.acme.ownerToken);
  const node = (await treeOf(client, known)).snapshotTree.nodes.find((each) => each.name === name);
  if (node === undefined) throw new Error(`there is no ${name}`);
  await succeeded(client, await askToDelete(client, known, { snapshotIds: [node.id] }));
  await machineIsIdle(client, known);
}
