/** Thread of the pool: subjects in, answers out, one at a time. */

import { parentPort } from 'node:worker_threads';
import { attempt } from './attempt.js';
import type { Job } from './job.js';

parentPort?.on('message', (job: Job) => {
  parentPort?.postMessage(attempt(job));
});
