/** For those who start agents (launcher, tests): the names of its environment. The agent itself is dist/main.js. */
export { CONFIG_FILE_VARIABLE } from './config.js';
export { CRASH_POINTS, CRASH_VARIABLE, type CrashPoint } from './crash-points.js';
