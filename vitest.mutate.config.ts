/** The tests of the pure folders, for `npm run mutate`: those without sockets and fleets, so that a mutant takes a fraction of a second. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      'test/{budget,forecast,go,image,kubelet,report}/**/*.test.ts',
      'test/agent/pacing.test.ts',
      'test/runtime/containerd/{error-texts,hosts,versions}.test.ts',
    ],
    exclude: ['test/budget/{fleet,fleet-of-agents}.test.ts', 'test/forecast/scenarios/**'],
    testTimeout: 60_000,
    // A worker for each test file costs more than its tests.
    isolate: false,
  },
});
