/** What was judged beside a pull, before its target. */
import type { Evidence } from '#report/rehearsal.ts';

export const evidenceText: { readonly [Of in Evidence['of']]: string } = {
  name_server: 'name server',
  address: 'address',
  pinned_name: 'address',
  after_restart: 'after a restart,',
  next_start: 'after a restart, the pull of',
};
