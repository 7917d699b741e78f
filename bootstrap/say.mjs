/** One line of progress, with the seconds since the command began. */
export function say(line) {
  console.log(`[${(performance.now() / 1000).toFixed(1).padStart(6)} s] ${line}`);
}

/** Ends the command: what is wrong and what to do. Never returns. */
export function stop(message) {
  console.error(`\n${message}`);
  process.exit(1);
}
