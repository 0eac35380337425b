/** What test/bundle.test.ts bundles: it asks the API server of a kubeconfig file for its Node and prints the runtime. */
import { connectByFile } from '#kubernetes/api/connect.ts';
import { readNodeFacts } from '#kubernetes/node-facts.ts';

const connected = connectByFile(process.argv[2] ?? '');
if (!connected.ok) throw new Error(connected.fault.code);
const answer = await connected.value.ask({
  method: 'GET',
  path: '/api/v1/nodes/node1',
  deadlineMs: 5000,
  maxBytes: 1e6,
});
const facts = answer.is === 'answered' ? readNodeFacts(answer.body) : undefined;
process.stdout.write(facts?.runtime ?? JSON.stringify(answer));
await connected.value.close();
