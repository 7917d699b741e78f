/**
 * Hears the writer of one guest and says how long it was silent at most. A process of its own, ahead of all others on its processor: else what is
 * measured is how long a busy processor let the listener wait. On standard input `mark` begins anew; `report` is answered with milliseconds.
 */
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const [socketPath = ''] = process.argv.slice(2);
let lastHeard = performance.now();
let longest = 0;

function heard() {
  const now = performance.now();
  longest = Math.max(longest, now - lastHeard);
  lastHeard = now;
}

function answer(word) {
  if (word === 'mark') [longest, lastHeard] = [0, performance.now()];
  // The guest may be silent still.
  else process.stdout.write(`${Math.max(longest, performance.now() - lastHeard)}\n`);
}

connect(socketPath)
  .on('connect', () => process.stdout.write('ready\n'))
  .on('data', heard);
createInterface({ input: process.stdin })
  .on('line', answer)
  .on('close', () => process.exit());
