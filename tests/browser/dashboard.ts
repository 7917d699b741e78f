import type { Locator, Page } from 'playwright-core';
import type { Person } from '../testkit/browser.js';
import { waitUntil } from '../testkit/wait-until.js';

/** How the tests of this folder find things on the page: by what people and screen readers find them by. */

const DEADLINE_MS = 60_000;
/** Of one look at, or press of, what may be gone by now. */
const PROBE = { timeout: 5_000 };

/** Signs in with a token; does not wait for what comes then. */
export async function signIn(person: Person, token: string): Promise<void> {
  await person.page.goto('/');
  await person.page.getByLabel(/token/i).fill(token);
  await person.page.getByRole('button', { name: /sign in/i }).click();
}

/** Opens web-1 from the list of machines. */
export async function openMachine(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'web-1' }).first().click();
  await page.getByRole('heading', { name: 'web-1' }).waitFor();
}

/** A row of the tree, by the name and the state that it is announced with. */
export function treeItem(page: Page, name: string, state: string): Locator {
  return page.getByRole('treeitem', { name: `${name} ${state}`, exact: true });
}

/** Waits until the page shows such a thing. */
export function isSeen(locator: Locator): Promise<void> {
  return locator.first().waitFor({ timeout: DEADLINE_MS });
}

/** Waits until a button may be pressed. */
export async function isOn(button: Locator): Promise<void> {
  await waitUntil('the button to be on', async () => (await button.getAttribute('aria-disabled', PROBE)) === null);
}

/** Waits until the page shows no such thing any more. */
export function isGone(locator: Locator): Promise<void> {
  return locator.first().waitFor({ state: 'detached', timeout: DEADLINE_MS });
}

/** The snapshots of the tree as they stand on the page, from top to bottom: name and level, `*` at the current one. */
function rowsOn(page: Page): Promise<string[]> {
  return page.getByRole('treeitem').evaluateAll((items) =>
    items.map((item) => {
      const name = document.getElementById((item.getAttribute('aria-labelledby') ?? '').split(' ')[0] ?? '')?.innerText ?? '';
      return `${item.getAttribute('aria-level')} ${name}${item.hasAttribute('aria-current') ? ' *' : ''}`;
    }),
  );
}

/** Waits until the tree stands on the page like that. */
export async function treeIs(page: Page, rows: readonly string[]): Promise<void> {
  let last: string[] = [];
  await waitUntil(
    `the tree to be ${rows.join(', ')}`,
    async () => {
      last = await rowsOn(page);
      return last.join() === rows.join();
    },
    { describe: () => last.join(', ') },
  );
}

/** The words that a field is described by once it is marked invalid: what a screen reader reads. */
export async function complaintAt(field: Locator): Promise<string> {
  const note = await waitUntil('the field to be marked invalid', async () =>
    (await field.getAttribute('aria-invalid')) === 'true' ? field.getAttribute('aria-describedby') : undefined,
  );
  return field.page().locator(`[id="${note}"]`).innerText();
}

/** The words that a control is described by: why it is off. */
export async function descriptionOf(control: Locator): Promise<string> {
  return control.evaluate((element) => {
    const ids = (element.getAttribute('aria-describedby') ?? '').split(' ');
    return ids.map((id) => document.getElementById(id)?.textContent ?? '').join(' ');
  });
}

/** Takes a snapshot by the dialog, and waits until the page shows it READY. */
export async function take(person: Person, name: string, prepare?: (dialog: Locator) => Promise<void>): Promise<void> {
  await person.page.getByRole('button', { name: 'Take snapshot' }).click();
  const dialog = person.page.getByRole('dialog', { name: 'Take snapshot' });
  await dialog.getByLabel('Name', { exact: true }).fill(name);
  await prepare?.(dialog);
  await confirm(dialog, 'Take it');
  await isSeen(treeItem(person.page, name, 'Ready'));
}

/**
 * Presses the button once it is on, until the dialog has closed: a plan that changed between the look and the press is shown anew, and has to
 * be confirmed again.
 */
export async function confirm(dialog: Locator, name: string): Promise<void> {
  // One that has not opened yet is not one that has closed.
  await isSeen(dialog);
  const button = dialog.getByRole('button', { name });
  await waitUntil(`“${name}” to be taken on`, async () => {
    // Its answer may have come after the last look.
    if (!(await dialog.isVisible())) return true;
    if (!(await button.isVisible()) || (await button.getAttribute('aria-disabled', PROBE)) === 'true') return undefined;
    await button.click(PROBE);
    return dialog.waitFor({ state: 'hidden', timeout: 10_000 }).then(
      () => true,
      () => undefined,
    );
  });
}
