/** Thread of the pool: subjects in, answers out, one at a time. */

import { parentPort } from 'node:worker_threads';
import { attempt, type Job } from './attempt.js';

parentPort?.on('message', (job: Job) => {
  parentPort?.postMessage(attempt(job));
});
