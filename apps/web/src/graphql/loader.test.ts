import { expect, it, vi } from 'vitest';
import { createLoader } from './loader';

type Answer = { value: number; isLost?: boolean };

function setUp(load: () => Promise<Answer>) {
  const answers: Answer[] = [];
  const loader = createLoader<Answer>({
    load,
    onAnswer: (answer) => answers.push(answer),
    isUnreachable: (answer) => answer.isLost === true,
  });
  return { answers, loader };
}

it('asks at once, and a burst of requests makes one more question', async () => {
  let asked = 0;
  const { answers, loader } = setUp(() => Promise.resolve({ value: ++asked }));
  await vi.waitFor(() => expect(answers).toHaveLength(1), { timeout: 30_000 });
  loader.request();
  loader.request();
  loader.request();
  await vi.waitFor(() => expect(answers).toHaveLength(2), { timeout: 30_000 });
  expect(asked).toBe(2);
  loader.stop();
});

it('asks again after an answer that was out when the request came', async () => {
  const gates: (() => void)[] = [];
  let asked = 0;
  const { answers, loader } = setUp(async () => {
    const value = ++asked;
    await new Promise<void>((resolve) => gates.push(resolve));
    return { value };
  });
  loader.request();
  gates[0]?.();
  await vi.waitFor(() => expect(gates).toHaveLength(2), { timeout: 30_000 });
  gates[1]?.();
  await vi.waitFor(() => expect(answers.map((answer) => answer.value)).toEqual([1, 2]), { timeout: 30_000 });
  loader.stop();
});

it('repeats an unreachable answer by itself until one comes', async () => {
  let asked = 0;
  const { answers, loader } = setUp(() => Promise.resolve({ value: ++asked, isLost: asked < 3 }));
  await vi.waitFor(() => expect(answers.at(-1)).toEqual({ value: 3, isLost: false }), { timeout: 30_000 });
  loader.stop();
});

it('says nothing after it was stopped', async () => {
  let release: () => void = () => undefined;
  const { answers, loader } = setUp(() => new Promise((resolve) => (release = () => resolve({ value: 1 }))));
  loader.stop();
  release();
  await Promise.resolve();
  expect(answers).toEqual([]);
});
