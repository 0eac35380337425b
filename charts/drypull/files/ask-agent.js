// Asks the agent at $AGENT: ready within a minute is exit 0. The certificate is not checked: its name is not the Service's.
const agent = process.env.AGENT;
const client = process.getBuiltinModule(agent.startsWith('https:') ? 'node:https' : 'node:http');

const get = (path) =>
  new Promise((resolve, reject) => {
    const options = { rejectUnauthorized: false, timeout: 5000 };
    const request = client.get(agent + path, options, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode, body }));
    });
    request.on('timeout', () => request.destroy(new Error('no answer within 5 s')));
    request.on('error', reject);
  });

const until = Date.now() + Number(process.env.PATIENCE_MS || 60_000);

async function ask() {
  const { status, body } = await get('/readyz');
  if (status !== 200) throw new Error(`/readyz answers ${status}: ${body.trim()}`);
  console.log(`${agent} is ready`);
  const node = await get('/node?format=line');
  console.log(`/node answers ${node.status}: ${node.body.trim()}`);
}

const again = () =>
  ask().catch((error) => {
    if (Date.now() < until) return void setTimeout(again, 1000);
    console.error(`${agent}: ${error.message}`);
    process.exitCode = 1;
  });
again();
