/** Volume snapshots on the machine page: one is taken, whoever may only look sees it come and why it cannot delete it, and it goes. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Person } from '../testkit/browser.js';
import { snapshotsOfVolume } from '../testkit/volume-snapshot-calls.js';
import { startWebServer, type WebServer } from '../testkit/web-server.js';
import { type KnownMachine, World } from '../testkit/world.js';
import { descriptionOf, isGone, isSeen, openMachine, signIn } from './dashboard.js';

let world: World;
let web: WebServer;
let known: KnownMachine;
let alice: Person;
let bob: Person;

beforeAll(async () => {
  world = await World.start({ hosts: ['demo-1'] });
  known = await world.addMachine({ name: 'web-1', host: 'demo-1', power: 'off' });
  web = await startWebServer(world);
  [alice, bob] = await Promise.all([Person.sitDown(web.url), Person.sitDown(web.url)]);
  await signIn(alice, world.acme.ownerToken);
  await signIn(bob, world.acme.viewerToken);
  for (const { page } of [alice, bob]) {
    await openMachine(page);
    await page.getByRole('tab', { name: 'Volume snapshots' }).click();
    await isSeen(page.getByText('No volume snapshots yet'));
  }
});
afterAll(async () => {
  await alice?.leave();
  await bob?.leave();
  await web?.process.end('SIGKILL');
  await world?.stop();
});
afterEach(async (context) => {
  if (context.task.result?.state === 'fail') await alice?.picture('failed-volume-snapshots');
});

it('one disk is copied under a name, and two browsers see it become whole, as the API has it', async () => {
  expect(await descriptionOf(bob.page.getByRole('button', { name: 'Take volume snapshot' }))).toMatch(/\w+ \w+/);
  await alice.page.getByRole('button', { name: 'Take volume snapshot' }).click();
  const dialog = alice.page.getByRole('dialog', { name: 'Take volume snapshot' });
  await dialog.getByLabel('Name', { exact: true }).fill('nightly');
  await dialog.getByLabel(/^vda /).check();
  await dialog.getByRole('button', { name: 'Take it' }).click();
  await isGone(dialog);
  for (const { page } of [alice, bob]) {
    const row = page.getByRole('list', { name: 'Volume snapshots' }).getByRole('listitem').filter({ hasText: 'nightly' });
    await isSeen(row.getByText('On primary storage'));
    await isSeen(row.getByText('Taken while off'));
  }
  expect(await snapshotsOfVolume(world.admin, known.volumes['vda'] ?? '')).toHaveLength(1);
  await alice.picture('volume-snapshots');
});

it('it is deleted after it was said what that frees; whoever may only look is told why they cannot', async () => {
  expect(await descriptionOf(bob.page.getByRole('button', { name: 'Delete nightly' }))).toMatch(/OWNER/);
  await alice.page.getByRole('button', { name: 'Delete nightly' }).click();
  const dialog = alice.page.getByRole('dialog', { name: 'Delete nightly' });
  await isSeen(dialog.getByText(/frees [1-9]/));
  await dialog.getByRole('button', { name: 'Delete', exact: true }).click();
  await isGone(dialog);
  for (const { page } of [alice, bob]) await isSeen(page.getByText('No volume snapshots yet'));
  expect(alice.complaints).toEqual([]);
});
