// Numbers transitions as fast as it can, over a connection of its own: a replica that relay.test.ts stops and continues at any instant.
import { Client } from 'pg';

const [, , connectionString] = process.argv;
let isTold = false;

for (;;) {
  const client = new Client({ connectionString, application_name: 'test-relay' });
  client.on('error', () => undefined);
  try {
    await client.connect();
    for (;;) {
      await client.query('SELECT coppice_relay()');
      if (!isTold) process.stdout.write('ready\n');
      isTold = true;
    }
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
