import { createHash } from 'node:crypto';

/** What happened in a schedule, in its order, without ids: the same seed gives the same digest. */
export class Trace {
  readonly lines: string[] = [];

  constructor(private readonly now: () => number) {}

  note(line: string): void {
    this.lines.push(`${this.now()} ${line}`);
  }

  digest(): string {
    return createHash('sha256').update(this.lines.join('\n')).digest('hex').slice(0, 16);
  }
}

/** Files that the command names, as traces tell them: without the ids of their volumes. */
export function filesOf(body: object): string {
  return [...JSON.stringify(body).matchAll(/"(\w*[fF]ileName|target)":"([^"]*?)(\.\d+\.qcow2)?"/g)]
    .map(([, key, name = '', end]) => (key === 'target' ? name : `${name.slice(7, 9)}${end ?? ''}`))
    .join(' ');
}
